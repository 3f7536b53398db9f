"""The hook-facing side: `announce` never raises and never holds a training up for a second.

Two daemon threads do the work. The keeper inspects, pins and writes announcements to the outbox;
the sender carries the outbox to the server. They share only the outbox on disk, so a hanging
server never keeps a checkpoint from being pinned, and a crash loses nothing that was written.
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
from evalsvc.errors import CheckpointError
from evalsvc.specs import Announcement
from evalsvc.trainers.client import Client
from evalsvc.trainers.limits import LONGEST_BLOCK_SECONDS, MAX_QUEUED, MAX_WAITING
from evalsvc.trainers.outbox import Entry, Outbox, exclusive
from evalsvc.trainers.pins import drop_pin, sweep
from evalsvc.trainers.preparation import Prepared, kept
from evalsvc.trainers.sender import Complaints, ResultHandler, Sender

log = logging.getLogger("evalsvc.trainers")
SEND_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 10.0
LONGEST_POLL_SECONDS = 120.0
AT_EXIT_SECONDS = 10.0  # when the program ends and something has not been sent

Prepare = Callable[[], Prepared]  # waits for or makes the model; may raise CheckpointError


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
        self._complaints = Complaints()
        for target in (self._keep, self._send):
            threading.Thread(target=target, name=f"evalsvc{target.__name__}", daemon=True).start()
        atexit.register(self._stop.set)

    def announce(self, announcement: Announcement, prepare: Prepare | None = None) -> None:
        """Announce a checkpoint: pinned, written to disk, sent when the server is there.

        With `prepare` the folder to evaluate is what that returns, in the background. Returns
        after 0.9 s at the latest, whatever happens; failures are logged.
        """
        task = _Task(announcement, prepare)
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            log.warning("Step %d is not evaluated: too much waits already", announcement.step)
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
        """Wait until all is written and sent; gives up at once if the server does not answer."""
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

        When the program ends it is waited for, unless the server has failed to answer the last
        time; the rest stays on disk.
        """
        self._finishing = True
        self._wake.set()
        atexit.register(lambda: self._reached and self.flush(AT_EXIT_SECONDS))

    def close(self) -> None:
        """Stop the threads; what is on disk is sent by the next Announcer of this folder."""
        self._stop.set()
        self._wake.set()

    def _keep(self) -> None:
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
            except Exception:  # the thread must live on: the next checkpoint may be fine
                log.exception("Step %d could not be announced", task.announcement.step)
            finally:
                task.done.set()
                self._tasks.task_done()

    def _entry(self, task: _Task) -> Entry:
        wish = task.announcement
        if wish.state is not None:
            return Entry(announcement=wish)
        if not self._make_room():
            reason = f"{self._max_waiting} checkpoints wait already"
            return Entry(announcement=wish.without_job("skipped", reason))
        try:
            given = Prepared(Path(wish.path), private=False)
            return kept(wish, task.prepare() if task.prepare else given, self._folder / "pins")
        except CheckpointVanished as error:
            return Entry(announcement=wish.without_job("rotated", str(error)))
        except CheckpointError as error:
            return Entry(announcement=wish.without_job("failed", str(error)))

    def _make_room(self) -> bool:
        """Keep the number of pinned checkpoints bounded: the oldest unsent one gives way."""
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
                self._complaints.say(
                    f"Announcements wait in memory, the disk refuses them: {error}"
                )
                return
            self._unwritten.popleft()
            self._wake.set()

    def _send(self) -> None:
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
            self._complaints.say(f"Evaluations wait, the disk does not answer: {error}")
            return False
        except Exception:  # a handler of results may be anybody's: it must not end the thread
            log.exception("An evaluation's result could not be handled")
            return False
        return reached

    def _is_idle(self) -> bool:
        return self._is_written() and not self.outbox.waiting() and not self.outbox.sent()

    def _is_written(self) -> bool:
        return self._tasks.unfinished_tasks == 0 and not self._unwritten
