"""When something is due: working days, the office's own days, periods, due days and the warnings before them."""
