"""Judging stored samples again with the current verifier, and what that changes."""
