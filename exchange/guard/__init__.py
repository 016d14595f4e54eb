"""The guard against fishing: what shows that a partner guesses instead of asking. Pure; hashes and counts only."""
