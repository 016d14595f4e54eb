"""The signed status file (近况) in each partner's folder, maintenance that is announced in it, and the certificate of
what a partner has shown in its tests.
"""
