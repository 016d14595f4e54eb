"""What every room stands on: errors, files, paths, tables of the contract, parallel work, timing, workbooks."""
