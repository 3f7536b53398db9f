"""Signs that a file of responses was doubled, joined from two, or lost a part.

They can only be seen over the whole file. What is certain is refused; what may be as it was meant
is said.
"""

from collections import Counter
from collections.abc import Sequence

from evalsvc.imports.rows import ImportFileError, ResponseRow


def check_rows(rows: Sequence[ResponseRow]) -> None:
    """Raises ImportFileError where a sample stands there twice or a problem has two questions."""
    _one_line_per_sample(rows)
    _one_text_per_problem(rows)
    _not_doubled([row for row in rows if row.sample is None])


def _one_line_per_sample(rows: Sequence[ResponseRow]) -> None:
    met: dict[tuple[str, str], ResponseRow] = {}
    for row in rows:
        if row.sample is None:
            continue
        first = met.get((row.problem_id, row.sample))
        met[row.problem_id, row.sample] = row
        if first is not None:
            raise ImportFileError(
                f"{row.where}: sample {row.sample} of problem {row.problem_id!r:.80} was already "
                f"given at {first.where}.",
                "Were two files joined, or one written twice? Import each on its own.",
            )


def _one_text_per_problem(rows: Sequence[ResponseRow]) -> None:
    met: dict[str, ResponseRow] = {}
    for row in rows:
        first = met.setdefault(row.problem_id, row)
        for name, now, before in (
            ("question", row.question, first.question),
            ("gold", row.gold, first.gold),
        ):
            if now != before:
                raise ImportFileError(
                    f"{row.where}: problem {row.problem_id!r:.80} has another {name} than at "
                    f"{first.where}.",
                    "Were files of two benchmarks joined? Import each on its own.",
                )


def _not_doubled(rows: Sequence[ResponseRow]) -> None:
    """Refuse unnumbered samples that repeat as a whole, or in a problem that has too many."""
    texts = Counter((row.problem_id, row.response) for row in rows)
    sizes = Counter(row.problem_id for row in rows)
    if not texts:
        return
    if len(sizes) > 1 and min(texts.values()) > 1:
        raise ImportFileError(
            f"{rows[0].where}: every response stands in the file {min(texts.values())} times or "
            "more.",
            "Was the file joined with itself? If the samples are really alike, number them: "
            "`sample` in the JSONL format.",
        )
    usual = Counter(sizes.values()).most_common(1)[0][0]
    for row in rows:
        if sizes[row.problem_id] > usual and texts[row.problem_id, row.response] > 1:
            raise ImportFileError(
                f"{row.where}: problem {row.problem_id!r:.80} has {sizes[row.problem_id]} samples "
                f"where most have {usual}, and this response twice.",
                "Is a line doubled? If not, number the samples: `sample` in the JSONL format.",
            )
