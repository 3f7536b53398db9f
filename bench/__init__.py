"""Benches. Run one with `python -m bench.NAME`; each compares two things in one run."""
