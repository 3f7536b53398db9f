"""Numeric limits of the pages that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: Values in the query of one address.
MAX_QUERY_ITEMS = 64
#: Size of a form.
MAX_FORM_BYTES = 64 * 1024
#: The reason of an override.
MAX_REASON_CHARACTERS = 2_000
#: Runs on one curve page.
MAX_RUNS = 6
#: Columns of the problem matrix.
MAX_COLUMNS = 12
#: Gold overrides that a benchmark page shows.
MAX_OVERRIDES = 100
#: Samples drawn as marks on a problem page.
MAX_MARKS = 512
#: Characters shown of the start of a long response.
HEAD_CHARACTERS = 24_000
#: Characters shown of its end.
TAIL_CHARACTERS = 8_000
#: Characters of one formula that is drawn; a longer one takes over 10 ms.
MAX_FORMULA_CHARACTERS = 1_500
#: Nesting of braces and environments in a formula that is drawn.
MAX_FORMULA_NESTING = 40
#: Time for the formulas of one text; the rest stays as it is written.
FORMULA_SECONDS = 0.06
