"""Benchmarks: the catalogue as readers see it, and the published rows beside our results."""
