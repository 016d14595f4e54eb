"""What is looked after by the clock and not by a batch's own steps: due days, alerts, sets that should have come."""
