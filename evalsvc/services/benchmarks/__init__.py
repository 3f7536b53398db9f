"""Benchmarks: the catalogue for readers, and published rows compared with our results."""
