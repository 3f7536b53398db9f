"""The error of this package, imported from the common error hierarchy."""

from evalsvc.errors import StatisticsError

__all__ = ["StatisticsError"]
