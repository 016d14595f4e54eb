"""The exchange: partner departments ask, the provincial household register answers.

Start reading at ``pipeline.py``: it is the table of contents. The words used are those of ``docs/GLOSSARY.md``.
"""
