"""What an administrator asks of an installation: is it healthy, how much is there of what."""
