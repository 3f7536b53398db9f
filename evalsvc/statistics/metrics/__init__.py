"""Metrics: what each one is, all of them by name, and their figures and comparisons."""

from evalsvc.statistics.metrics.definition import (
    ALL,
    MetricDefinition,
    MetricEstimate,
    SampledProblems,
)
from evalsvc.statistics.metrics.figures import MetricFigure, compare_metric, metric_figure
from evalsvc.statistics.metrics.registry import MetricRegistry, MetricReport, load_metrics

__all__ = [
    "ALL",
    "MetricDefinition",
    "MetricEstimate",
    "MetricFigure",
    "MetricRegistry",
    "MetricReport",
    "SampledProblems",
    "compare_metric",
    "load_metrics",
    "metric_figure",
]
