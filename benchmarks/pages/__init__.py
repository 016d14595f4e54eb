"""How long the office's pages take over a full register: what ``make bench-pages`` measures."""
