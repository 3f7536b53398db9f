"""Evaluations: their figures, samples, answers, profiles and the curves of their runs."""
