"""Bounded work: what the caller decides inline, and the child processes that do the rest."""
