"""A register of five years, and what everything that runs by the clock, every page and every command asks of it."""
