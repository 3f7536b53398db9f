"""The paper's training methods: their names, other spellings, and their order in its tables.

A run's method is a free text; this module only lines it up with the published rows. A name that is
not known stays as it is and comes after the known ones.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A method of arXiv:2602.05548. `baseline` is what its own paper's claim compares it with."""

    name: str
    aliases: tuple[str, ...] = ()
    baseline: str | None = None


# In the order of table 2, then the ablation (table 6) and the control study (table 7).
METHODS: tuple[Method, ...] = (
    Method("Base Model", ("base", "base-model", "untrained")),
    Method("GRPO", (), "Base Model"),
    Method("GRPO-LEAD", ("grpolead",), "GRPO"),
    Method("W-REINFORCE", ("wreinforce", "weighted-reinforce"), "GRPO"),
    Method("GRPO + A-GRAE", ("agrae", "a-grae"), "GRPO"),
    Method("DAPO", (), "GRPO"),
    Method("DAPO + A-GRAE", (), "DAPO"),
    Method("Dr.GRPO", ("dr-grpo", "drgrpo"), "GRPO"),
    Method("Dr.GRPO + A-GRAE", ("dr-grpo-agrae",), "Dr.GRPO"),
    Method("GRPO + A-GRAE (sample level)", ("ddas", "agrae-sample"), "GRPO"),
    Method("GRPO + A-GRAE (group level)", ("ass", "agrae-group"), "GRPO"),
    Method("Positive-Dominant", (), "GRPO"),
    Method("Negative-Dominant", (), "GRPO"),
    Method("Easy-Focused", (), "GRPO"),
    Method("Hard-Focused", (), "GRPO"),
)


def _plain(name: str) -> str:
    """A name without case, spaces and punctuation: "Dr. GRPO+A-GRAE" is "drgrpoagrae"."""
    return re.sub(r"[\W_]+", "", name).casefold()


_BY_SPELLING = {
    _plain(spelling): (position, method)
    for position, method in enumerate(METHODS)
    for spelling in (method.name, *method.aliases)
}


def find_method(name: str) -> Method | None:
    """The known method that `name` spells, or None."""
    found = _BY_SPELLING.get(_plain(name))
    return found[1] if found else None


def canonical_method(name: str) -> str:
    """The paper's spelling of a known method; another name as it is, without outer spaces."""
    method = find_method(name)
    return method.name if method else name.strip()


def method_order(name: str) -> tuple[int, str]:
    """A key that sorts methods as the paper's tables do, unknown ones after them by name."""
    found = _BY_SPELLING.get(_plain(name))
    return (found[0], "") if found else (len(METHODS), name.casefold())
