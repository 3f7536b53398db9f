"""The strict reading of a verdict: would the paper's training code have accepted the answer too?

That code (verl's `geo3k` reward) reads only the content of the last `\\boxed{}` and compares it
with the unchanged gold. So answers in other marks do not count, nor answers that give an option's
text instead of its letter. A verdict names the rule that accepted the answer, so nothing has to be
judged again.
"""

import re

_OTHER_MARKS = ("answer tag", "phrase")
_CHOICE = "choice:"
_LETTER = "choice: letter"
_LETTERS = "choice: letters in any order"
_ALONE = re.compile(r"(?:\\(?:text|mathrm|mathbf|textbf)\{)?\s*[(\[]?[A-Za-z][)\]]?\s*\}?")


def box_only(correct: bool, rule: str, extracted: str | None) -> bool:
    """Whether an answer is also right by the box-only rule.

    `rule` and `extracted` are from its verdict. A choice must be the letter alone (`B`, `(B)`,
    `\\text{B}`); other answers are compared as usual.
    """
    if not correct or extracted is None or rule.startswith(_OTHER_MARKS):
        return False
    if not rule.startswith(_CHOICE) or rule == _LETTERS:
        return True
    return rule == _LETTER and _ALONE.fullmatch(extracted.strip()) is not None
