"""What somebody would use instead, frozen: see ``README.md``. ``tables``: the register in the forms they like best."""
