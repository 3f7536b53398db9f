"""The error of this package, kept where its modules look for it; it belongs to the one tree."""

from evalsvc.errors import StatisticsError

__all__ = ["StatisticsError"]
