"""Snapshots (快照): dated, immutable copies of the sources, built from their exports and mapped when they are asked."""
