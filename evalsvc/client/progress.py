"""Showing how far a job is: a bar in a terminal, a bar in a notebook, or lines in a log.

`job_progress` chooses. What it yields takes the job whenever it has changed.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from evalsvc.client.rows import Job

OnProgress = Callable[[Job], None]


@contextmanager
def job_progress(description: str, *, lines: bool = False) -> Iterator[OnProgress | None]:
    """Show the progress of a job on standard error, or in the notebook's cell.

    Where there is neither a terminal nor a notebook: a line for each tenth with `lines`, else
    nothing.
    """
    if _in_notebook():
        yield NotebookBar(description)
    elif sys.stderr is not None and sys.stderr.isatty():
        with _terminal_bar(description) as show:
            yield show
    else:
        yield LogLines(description) if lines else None


class Pace:
    """How fast samples come, without those that were there before."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._at_start: int | None = None

    def measure(self, job: Job) -> tuple[float, float | None]:
        """Samples per second, and the seconds that are left; None where they cannot be said."""
        done, wanted = job.progress.samples_done, job.progress.samples_wanted
        if self._at_start is None:
            self._at_start = done
        seconds = time.monotonic() - self._started
        rate = (done - self._at_start) / seconds if seconds > 0 else 0.0
        return rate, (wanted - done) / rate if rate and done < wanted else None


class LogLines:
    """One line on standard error for each tenth of the job."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._pace = Pace()
        self._shown = -1

    def __call__(self, job: Job) -> None:
        rate, left = self._pace.measure(job)
        done, wanted = job.progress.samples_done, job.progress.samples_wanted
        tenth = int(10 * done / wanted) if wanted else 0
        if tenth == self._shown:
            return
        self._shown = tenth
        remaining = "" if left is None else f", about {left:.0f} s left"
        print(
            f"{self._description}: {done:,} of {wanted:,} samples, {rate:.1f} samples/s{remaining}",
            file=sys.stderr,
            flush=True,
        )


class NotebookBar:
    """A bar in the output of a notebook's cell, which is changed in place."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._pace = Pace()
        self._text, self._fraction = description, 0.0
        self._handle: Any = None

    def __call__(self, job: Job) -> None:
        rate, left = self._pace.measure(job)
        done, wanted = job.progress.samples_done, job.progress.samples_wanted
        remaining = "" if left is None else f", about {left:.0f} s left"
        self._fraction = done / wanted if wanted else float(job.ended)
        self._text = (
            f"{self._description}: {job.state}, {done:,} of {wanted:,} samples, "
            f"{rate:.1f} samples/s{remaining}"
        )
        self._show()

    def _show(self) -> None:
        from IPython.display import display  # noqa: PLC0415 - the notebook has it

        if self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return (
            f'<progress max="1" value="{self._fraction:.4f}" style="width: 20em"></progress> '
            f"{escape(self._text)}"
        )


def _in_notebook() -> bool:
    """Whether IPython runs here and shows rich output, which its terminal does not."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and type(shell).__name__ != "TerminalInteractiveShell"


@contextmanager
def _terminal_bar(description: str) -> Iterator[OnProgress]:
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task(description, total=None, rate="")

        def show(job: Job) -> None:
            done, wanted = job.progress.samples_done, job.progress.samples_wanted
            bar.update(task, completed=done, total=wanted)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f"{speed:.1f} samples/s" if speed else job.state)

        yield show
