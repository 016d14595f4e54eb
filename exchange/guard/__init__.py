"""The guard against fishing: detects a partner that guesses instead of asking. Pure; hashes and counts only."""
