"""Exports: results as files (CSV, JSON, Parquet, LaTeX, Markdown) or into trackers.

Pure writers of plain rows (`ResultRow`); who the rows are is decided by the API. Bold print only
ever means a significant difference.
"""

from evalsvc.exports.files import FILE_FORMATS, render, write
from evalsvc.exports.latex import to_latex
from evalsvc.exports.rows import COLUMNS, ExportError, ResultRow
from evalsvc.exports.tables import to_csv, to_json, to_markdown, to_parquet
from evalsvc.exports.trackers import metric_key, to_mlflow, to_tensorboard, to_wandb

__all__ = [
    "COLUMNS",
    "FILE_FORMATS",
    "ExportError",
    "ResultRow",
    "metric_key",
    "render",
    "to_csv",
    "to_json",
    "to_latex",
    "to_markdown",
    "to_mlflow",
    "to_parquet",
    "to_tensorboard",
    "to_wandb",
    "write",
]
