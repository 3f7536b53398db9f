"""What a trainer's hook calls: `announce` never raises and never blocks for a second.

Two daemon threads do the work. The writer inspects and pins checkpoints and writes announcements to
the outbox; the sender takes the outbox to the server. They share only the outbox on disk, so a
hanging server never keeps a checkpoint from being pinned, and a crash loses nothing that was
written.
"""

import atexit
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from evalsvc.checkpoints.pinning import CheckpointVanished
from evalsvc.client import Client
from evalsvc.errors import CheckpointError
from evalsvc.specs import Announcement
from evalsvc.trainers.limits import LONGEST_BLOCK_SECONDS, MAX_QUEUED, MAX_WAITING
from evalsvc.trainers.outbox import Entry, Outbox, exclusive
from evalsvc.trainers.pins import drop_pin, sweep
from evalsvc.trainers.preparation import Prepared, pin_and_stage
from evalsvc.trainers.sender import DedupedLogger, ResultHandler, Sender

log = logging.getLogger("evalsvc.trainers")
SEND_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 10.0
LONGEST_POLL_SECONDS = 120.0
AT_EXIT_SECONDS = 10.0  # when the program ends and something has not been sent

Prepare = Callable[[], Prepared]  # waits for the model or makes it; may raise CheckpointError


@dataclass
class _Task:
    announcement: Announcement
    prepare: Prepare | None
    done: threading.Event = field(default_factory=threading.Event)


class Announcer:
    """Announces the checkpoints of one training run. `folder` is its private folder on disk."""

    def __init__(
        self,
        server: str,
        key: str | None,
        folder: Path,
        *,
        max_waiting: int = MAX_WAITING,
        on_result: ResultHandler | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.outbox = Outbox(folder / "outbox")
        self._folder = folder
        self._max_waiting = max_waiting
        self._poll_seconds = poll_seconds
        client = Client(server, key, timeout_seconds=SEND_TIMEOUT_SECONDS, attempts=1)
        self._sender = Sender(self.outbox, client, on_result)
        self._tasks: queue.Queue[_Task] = queue.Queue(MAX_QUEUED)
        self._unwritten: deque[Entry] = deque(maxlen=MAX_QUEUED)  # while the disk is full
        self._rounds = 0  # of the sender so far; `_reached`: the last one found the server
        self._reached = True
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._finishing = False
        self._troubles = DedupedLogger()
        for target in (self._write_loop, self._send_loop):
            threading.Thread(target=target, name=f"evalsvc{target.__name__}", daemon=True).start()
        atexit.register(self._stop.set)

    def announce(self, announcement: Announcement, prepare: Prepare | None = None) -> None:
        """Announce a checkpoint: pinned, written to disk, sent when the server is there.

        With `prepare` the folder to evaluate is what that function returns in the background.
        Returns within 0.9 s, whatever happens; failures are logged.
        """
        task = _Task(announcement, prepare)
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            log.warning(
                "Step %d is not evaluated: too many checkpoints wait already", announcement.step
            )
            return
        if prepare is None:
            task.done.wait(LONGEST_BLOCK_SECONDS)

    def wait_until_idle(self, timeout_seconds: float) -> bool:
        """Wait until every announced job has ended; False if the time limit came first."""
        deadline = time.monotonic() + timeout_seconds
        while not self._is_idle():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)
        return True

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until everything is written and sent; give up if the server does not answer."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline and not self._stop.is_set():
            written, rounds = self._is_written(), self._rounds
            if written and not self.outbox.waiting():
                return True
            self._wake.set()
            time.sleep(0.05)
            if written and self._rounds > rounds and not self._reached:
                return False
        return False

    def finish(self) -> None:
        """The training has ended: send what is left in the background, then stop.

        When the program ends it waits for that, unless the server did not answer the last time;
        the rest stays on disk.
        """
        self._finishing = True
        self._wake.set()
        atexit.register(lambda: self._reached and self.flush(AT_EXIT_SECONDS))

    def close(self) -> None:
        """Stop the threads; what is on disk is sent by the next Announcer of this folder."""
        self._stop.set()
        self._wake.set()

    def _write_loop(self) -> None:
        sweep(self._folder / "pins", self.outbox)
        while not self._stop.is_set():
            try:
                task = self._tasks.get(timeout=1.0)
            except queue.Empty:
                self._write_unwritten()
                continue
            try:
                self._unwritten.append(self._entry(task))
                self._write_unwritten()
            except Exception:  # the thread must continue: the next checkpoint may be fine
                log.exception("Step %d could not be announced", task.announcement.step)
            finally:
                task.done.set()
                self._tasks.task_done()

    def _entry(self, task: _Task) -> Entry:
        announcement = task.announcement
        if announcement.state is not None:
            return Entry(announcement=announcement)
        if not self._make_room():
            reason = f"{self._max_waiting} checkpoints wait already"
            return Entry(announcement=announcement.without_job("skipped", reason))
        try:
            given = Prepared(Path(announcement.path), private=False)
            return pin_and_stage(
                announcement, task.prepare() if task.prepare else given, self._folder / "pins"
            )
        except CheckpointVanished as error:
            return Entry(announcement=announcement.without_job("rotated", str(error)))
        except CheckpointError as error:
            return Entry(announcement=announcement.without_job("failed", str(error)))

    def _make_room(self) -> bool:
        """Limit the number of pinned checkpoints: the oldest unsent one is skipped."""
        waiting = [(path, entry) for path, entry in self.outbox.waiting() if entry.pin]
        if len(waiting) + len(self.outbox.sent()) < self._max_waiting:
            return True
        if not waiting:
            return False
        path, entry = waiting[0]
        reason = f"newer checkpoints came and only {self._max_waiting} may wait"
        skipped = entry.announcement.without_job("skipped", reason)
        self.outbox.replace(path, Entry(announcement=skipped, fingerprint=entry.fingerprint))
        drop_pin(entry, self.outbox)
        return True

    def _write_unwritten(self) -> None:
        while self._unwritten:
            try:
                self.outbox.add(self._unwritten[0])
            except OSError as error:
                self._troubles.warn(
                    f"Announcements wait in memory because the disk refuses them: {error}"
                )
                return
            self._unwritten.popleft()
            self._wake.set()

    def _send_loop(self) -> None:
        pause = self._poll_seconds
        while not self._stop.is_set():
            self._wake.clear()
            self._reached = self._round()
            self._rounds += 1
            if self._finishing and self._is_written() and not self.outbox.waiting():
                self.close()
            pause = self._poll_seconds if self._reached else min(2 * pause, LONGEST_POLL_SECONDS)
            self._wake.wait(pause)

    def _round(self) -> bool:
        try:
            with exclusive(self._folder / "sender.lock") as mine:
                reached = not mine or self._sender.round()
        except OSError as error:
            self._troubles.warn(f"Evaluations wait because the disk does not answer: {error}")
            return False
        except Exception:  # a user's result handler must not end the thread
            log.exception("An evaluation's result could not be handled")
            return False
        return reached

    def _is_idle(self) -> bool:
        return self._is_written() and not self.outbox.waiting() and not self.outbox.sent()

    def _is_written(self) -> bool:
        return self._tasks.unfinished_tasks == 0 and not self._unwritten
