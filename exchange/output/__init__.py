"""What partners and their clerks open: result files, masking of personal fields, request workbooks."""
