"""Looking up as DuckDB, SQLite and PostgreSQL do it."""
