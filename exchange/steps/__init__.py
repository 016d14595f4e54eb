"""The steps of a batch, in the order in which ``pipeline.py`` puts them."""
