"""Imported once by the fork server, so that every child starts with its libraries warm."""

from evalsvc.verification.symbolic import symbolically_equal

WARM = symbolically_equal("\\sum_{k=1}^{2} k", "3")
