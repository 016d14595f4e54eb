"""How a partner stands: the signed status file (近况) in its folder, maintenance that is announced in it, and the
certificate of what it has shown in its tests.
"""
