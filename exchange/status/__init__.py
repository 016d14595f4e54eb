"""How we stand (近况): a signed file in each partner's folder, and maintenance that is announced in it."""
