"""Matching only: a request file in, a file of answers out, by this software and by what would be used instead.

    ours           exchange.matching.decide over the mapped snapshots
    (``peers/match``)
    with_duckdb    one SQL statement (match.sql) over a DuckDB file sorted by key, or over Parquet
    with_polars    left joins in Polars over Parquet; plain, or with the wanted keys pushed into the scan first
    with_pandas    merges in pandas over Parquet
    part           measures them in turn and compares their answers row by row

Rules: each reads the same CSV file, evens out what people type, checks number and name, finds who is meant, answers
four items, asks the offence sources, and writes one CSV file: ``row_ref``, ``identity``, ``note``, an answer per item.
All must write the same rows in the same order. Polars' peers use this software's own expressions for everything but
the lookup; DuckDB and pandas have the rules in their own language (what they leave out, because nobody in the province
needs it, stands in their files).
"""
