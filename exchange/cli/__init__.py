"""The command line: ``exchange --help`` is its map."""
