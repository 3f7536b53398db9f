"""Judging stored samples again with the present verifier, and what that changes."""
