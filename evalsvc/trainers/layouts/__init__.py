"""One adapter per trainer, by the name that `evalsvc watch --layout` takes."""

from pathlib import Path

from evalsvc.errors import UsageError
from evalsvc.trainers.layouts.base import Layout, StepSnapshot
from evalsvc.trainers.layouts.huggingface import HF, OPENRLHF, SKYRL, SLIME, TRL
from evalsvc.trainers.layouts.marked import NEMO_RL, PRIME_RL
from evalsvc.trainers.layouts.verl import VERL

# In the order in which `auto` tries them: the more specific signs first.
LAYOUTS: dict[str, Layout] = {
    layout.name: layout for layout in (TRL, PRIME_RL, NEMO_RL, OPENRLHF, SKYRL, SLIME, VERL, HF)
}
AUTO = "auto"

__all__ = ["AUTO", "LAYOUTS", "Layout", "StepSnapshot", "choose_layout"]


def choose_layout(name: str, root: Path) -> Layout | None:
    """The layout of that name; for "auto" the one whose signs `root` shows, None if none does yet.

    Raises UsageError for a name that is not known.
    """
    if name != AUTO:
        try:
            return LAYOUTS[name]
        except KeyError:
            raise UsageError(
                f"There is no layout {name!r}.", f"Known: {AUTO}, {', '.join(LAYOUTS)}."
            ) from None
    for layout in LAYOUTS.values():
        if any(next(root.glob(sign), None) is not None for sign in layout.signs):
            return layout
    return HF if HF.steps(root) else None
