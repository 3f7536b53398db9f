"""Measurements. Each module runs by `python -m bench.NAME` and prints ratios side by side."""
