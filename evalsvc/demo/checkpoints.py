"""The folder of demo checkpoints: made once, completely or not at all, and reused."""

import json
import logging
import shutil
import uuid
from dataclasses import asdict
from pathlib import Path

from evalsvc.demo.model import save
from evalsvc.demo.training import Recipe, train

MANIFEST = "demo.json"
PARTIAL_PREFIX = ".partial-"
log = logging.getLogger(__name__)


def demo_checkpoints(out: Path, recipe: Recipe) -> dict[int, Path]:
    """The checkpoints of `recipe` in the folder `out`, by step; trained now if they are not there.

    A folder `out` that was made with another recipe is replaced. Raises FileExistsError when
    something else is there.
    """
    if not _holds(out, recipe):
        _make(out, recipe)
    return {step: out / f"step-{step}" for step in sorted(recipe.steps)}


def _holds(out: Path, recipe: Recipe) -> bool:
    try:
        found = json.loads((out / MANIFEST).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("hash") == recipe.hash


def _make(out: Path, recipe: Recipe) -> None:
    if out.exists() and any(out.iterdir()) and not (out / MANIFEST).exists():
        raise FileExistsError(
            f"{out} is in use and holds no demo checkpoints; choose another --out."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.parent / f"{PARTIAL_PREFIX}{out.name}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir()
    try:
        for step, model in train(recipe):
            save(model, temporary / f"step-{step}")
            log.info("saved step %d", step)
        (temporary / MANIFEST).write_text(
            json.dumps({"hash": recipe.hash, "recipe": asdict(recipe)}, indent=1) + "\n"
        )
        if out.exists():
            shutil.rmtree(out)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
