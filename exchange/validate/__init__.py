"""From a data file's bytes to rows: encoding, columns, fields. A file that cannot be read whole is refused, a row
is not.
"""
