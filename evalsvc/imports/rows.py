"""What every reader yields: one response, or one problem's counts, with where it was found.

The values come from untrusted files and are only checked for type and range here. Which problem of
a benchmark a `problem_id` means (a row index or the benchmark's own id) is decided by whoever has
the benchmark at hand.
"""

from dataclasses import dataclass

from evalsvc.errors import UsageError


class ImportFileError(UsageError):
    """A file that cannot be imported; the message names the file, and the line if there is one."""

    status, kind, title = 422, "import", "The file cannot be imported"


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """One response to one problem, in the order of the file.

    output_tokens: 0 where the source does not say. claimed_correct: what the source's own grader
    said, or None; this service judges again. where: `file:line`, in a Parquet file its row from 1.
    question: the problem's text, or the prompt that holds it. sample: which of the problem's
    samples it is, where the source numbers them. step: the training step, where the source says it.
    """

    problem_id: str
    response: str
    truncated: bool = False
    output_tokens: int = 0
    gold: str | None = None
    claimed_correct: bool | None = None
    where: str = ""
    question: str | None = None
    sample: str | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class CountsRow:
    """n samples of one problem of which c are correct; 0 <= c <= n."""

    problem_id: str
    n: int
    c: int
    where: str = ""
