"""Matching as DuckDB, Polars and pandas do it."""
