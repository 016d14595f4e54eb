"""The documents that are made from the tables and cases: the guide's tables, the rulebook, fields, rooms."""
