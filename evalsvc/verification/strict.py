"""The strict reading of a verdict: what the paper's training code would have accepted as well.

That code (verl's `geo3k` reward) looks at the content of the last `\\boxed{}` and nowhere else, and
compares it with the gold as it stands. So of the answers that we accept, those do not count that
stand in other marks, or that give an option's text instead of its letter. Which rule accepted an
answer is part of its verdict: nothing has to be judged again.
"""

import re

_OTHER_MARKS = ("answer tag", "phrase")
_CHOICE = "choice:"
_LETTER = "choice: letter"
_LETTERS = "choice: letters in any order"
_ALONE = re.compile(r"(?:\\(?:text|mathrm|mathbf|textbf)\{)?\s*[(\[]?[A-Za-z][)\]]?\s*\}?")


def box_only(correct: bool, rule: str, extracted: str | None) -> bool:
    """Whether an answer is right by the box-only rule too.

    `rule` and `extracted` are those of its verdict. A choice must be the letter alone (`B`, `(B)`,
    `\\text{B}`); other answers are compared as usual.
    """
    if not correct or extracted is None or rule.startswith(_OTHER_MARKS):
        return False
    if not rule.startswith(_CHOICE) or rule == _LETTERS:
        return True
    return rule == _LETTER and _ALONE.fullmatch(extracted.strip()) is not None
