"""How long a backup takes, and how long until an office is back from one: what ``make bench-restore`` measures."""
