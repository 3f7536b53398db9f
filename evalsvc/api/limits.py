"""Numeric limits of the HTTP API that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: Rows on one page of a list.
MAX_PAGE_ROWS = 500
#: Samples on one page.
MAX_PAGE_SAMPLES = 256
#: Values of k in one comparison.
MAX_KS = 20
#: Metrics that one request names.
MAX_METRICS = 50
#: Checkpoints in one ranking.
MAX_RANKED = 50
#: The reason of an override.
MAX_NOTE_CHARACTERS = 2_000
#: The address of a webhook.
MAX_URL_CHARACTERS = 2_000
#: Errors by field in one problem document.
MAX_ERRORS_SHOWN = 20
