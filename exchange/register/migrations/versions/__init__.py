"""Migrations of the register, in order; a migration that was released is never changed."""
