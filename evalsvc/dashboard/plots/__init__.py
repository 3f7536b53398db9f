"""Figures as plain data: built here, drawn by static/plots.js, coloured by the stylesheet."""
