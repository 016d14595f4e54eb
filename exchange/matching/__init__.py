"""The matching: claims against the register, in Polars, one expression per rule and no Python call per row.

standardise   id_numbers, names, codes, dates, divisions: text as people write it → comparable values
lookup        keys of the request → rows of the snapshot; with ``octets`` and ``distinct`` what is built for speed
identity      number and name: who is meant, or why nobody is
items/        one file per item: claim and register value → answer code
decide        the whole table of answers
"""
