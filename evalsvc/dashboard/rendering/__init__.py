"""The rendering half of the dashboard: templates, labels, numbers, text, mathematics, SVG."""
