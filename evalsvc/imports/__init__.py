"""Imports: results of other tools as typed rows. These are only readers; the API stores the rows.

The files are untrusted: nothing is executed or unpickled, lines are capped, and every complaint
names file and line. Only lighteval's Parquet needs more than the standard library.
"""

from evalsvc.imports.checks import check_rows
from evalsvc.imports.lighteval import read_lighteval
from evalsvc.imports.readers import (
    COUNTS_ENGINE,
    COUNTS_FORMAT,
    FORMATS,
    RESPONSE_FORMATS,
    ROW_FORMATS,
    import_engine,
    read,
    read_agrae,
    read_counts,
    read_lm_eval,
    read_plain,
    read_verl,
)
from evalsvc.imports.rows import CountsRow, ImportFileError, ResponseRow

__all__ = [
    "COUNTS_ENGINE",
    "COUNTS_FORMAT",
    "FORMATS",
    "RESPONSE_FORMATS",
    "ROW_FORMATS",
    "CountsRow",
    "ImportFileError",
    "ResponseRow",
    "check_rows",
    "import_engine",
    "read",
    "read_agrae",
    "read_counts",
    "read_lighteval",
    "read_lm_eval",
    "read_plain",
    "read_verl",
]
