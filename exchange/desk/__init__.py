"""The partner's desk: one HTML file with which a partner checks, signs, encrypts and reads, offline (ADR 27);
and the sheet to print.
"""
