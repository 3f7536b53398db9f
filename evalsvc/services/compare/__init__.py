"""Comparisons: two checkpoints, two methods, a leaderboard, a ranking, a matrix, a plan."""
