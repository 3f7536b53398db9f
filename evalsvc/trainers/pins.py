"""Removing pins: those whose job has ended, and those that a killed process left behind."""

import logging
import time
from pathlib import Path

from evalsvc.checkpoints import unpin
from evalsvc.trainers.outbox import Entry, Outbox

log = logging.getLogger("evalsvc.trainers")
ORPHAN_SECONDS = 2 * 3600.0  # longer than anything that is being merged or copied


def drop_pin(entry: Entry, outbox: Outbox) -> None:
    """Remove the pin of an entry that has left the outbox, unless another entry needs it.

    A failure is only logged.
    """
    if entry.pin is not None and entry.pin not in outbox.pins():
        _remove(Path(entry.pin))


def sweep(folder: Path, outbox: Outbox) -> None:
    """Remove from `folder` what a killed process left: pins without an entry, and partial ones.

    Anything younger than two hours stays: another process may be writing it.
    """
    try:
        needed = {Path(pin).name for pin in outbox.pins()}
        for found in folder.glob("*"):
            age = time.time() - found.stat().st_mtime
            if found.name not in needed and age > ORPHAN_SECONDS:
                _remove(found)
    except OSError as error:
        log.warning("Old pins in %s could not be listed: %s", folder, error)


def _remove(folder: Path) -> None:
    try:
        unpin(folder)
    except OSError as error:
        log.warning("The pinned checkpoint %s could not be removed: %s", folder, error)
