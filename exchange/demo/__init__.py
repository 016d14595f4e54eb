"""The demo world: a synthetic province, an office, partners and real servers on one machine. All people in it are
invented.
"""
