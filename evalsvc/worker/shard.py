"""One shard from questions to result: sampling, with verification beside it.

Samples go problem by problem, so that a problem's samples share their prompt in the engine's
cache and are complete, and written to the transcript, soon after each other. Memory is bounded:
at most `UNJUDGED` samples are on their way, and a problem's rows are let go when it is complete.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from evalsvc.artifacts import ArtifactStore
from evalsvc.artifacts.store import Transcript
from evalsvc.specs import ShardProgress, ShardResult, ShardSpec
from evalsvc.verification import VERIFIER_VERSION
from evalsvc.worker.engines.base import RequestRefused, Sample, SampleRequest
from evalsvc.worker.failures import first_error
from evalsvc.worker.feeding import Feed
from evalsvc.worker.hosting import EngineHost, Loaded
from evalsvc.worker.judging import Judge
from evalsvc.worker.problems import ProblemSource, ShardProblems
from evalsvc.worker.provenance import provenance
from evalsvc.worker.tally import ProblemBook

UNJUDGED = 2048


@dataclass(frozen=True)
class Workplace:
    """What all shards of a worker share."""

    source: ProblemSource
    host: EngineHost
    judge: Judge
    artifacts: ArtifactStore
    on_sample: Callable[[Sample], None]


@dataclass
class ShardRun:
    """One shard while it runs; `execute` is called once."""

    spec: ShardSpec
    place: Workplace
    done: int = 0  # samples judged
    output_tokens: int = 0
    prompt_tokens: int = 0
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(UNJUDGED))

    async def execute(self) -> ShardResult:
        """Sample, judge and store the shard. Cancelling it aborts its requests in the engine."""
        began = time.perf_counter()
        problems = await self.place.source.load(self.spec)
        books = [ProblemBook(self.spec, problem) for problem in problems.problems]
        transcript = self.place.artifacts.begin(self.spec.artifact)
        try:
            loaded = await self._fill(books, problems, transcript)
            written = await asyncio.to_thread(transcript.commit)
        finally:
            transcript.abandon()
        return ShardResult(
            shard_id=self.spec.shard_id,
            epoch=self.spec.epoch,
            tallies=tuple(book.tally() for book in books),
            artifact=self.spec.artifact,
            artifact_bytes=written.bytes,
            artifact_sha256=written.sha256,
            verifier=VERIFIER_VERSION,
            provenance=provenance(self.spec, problems, loaded),
            seconds=time.perf_counter() - began,
            output_tokens=self.output_tokens,
            prompt_tokens=self.prompt_tokens,
        )

    def progress(self) -> ShardProgress:
        """How far the shard has come."""
        return ShardProgress(
            shard_id=self.spec.shard_id, done=self.done, output_tokens=self.output_tokens
        )

    async def _fill(
        self, books: list[ProblemBook], problems: ShardProblems, transcript: Transcript
    ) -> Loaded:
        """The engine is free for the next checkpoint once all is sampled; judging may go on."""

        async def judge(book: ProblemBook, request: SampleRequest, answer: Sample) -> None:
            try:
                verdict = await self.place.judge.judge(
                    book.problem, problems.prompt, request, answer
                )
            except RequestRefused as error:
                book.refuse(str(error))
                return
            book.add(verdict)
            self.done += 1
            if book.complete:
                rows, book.rows = book.rows, []
                await asyncio.to_thread(transcript.write, rows)

        try:
            async with asyncio.TaskGroup() as judging:

                def on_answer(book: ProblemBook, request: SampleRequest, answer: Sample) -> None:
                    self._count(answer)
                    task = judging.create_task(judge(book, request, answer))
                    task.add_done_callback(lambda _: self._room.release())

                async with self.place.host.serving(self.spec) as loaded:
                    feed = Feed(self.spec, loaded, problems, self._room, on_answer)
                    await feed.run(books, self.place.host.feeding)
        except BaseExceptionGroup as group:
            raise first_error(group) from group
        for book in books:  # what a problem answered before it was refused
            await asyncio.to_thread(transcript.write, book.rows)
        return loaded

    def _count(self, answer: Sample) -> None:
        self.output_tokens += answer.output_tokens
        self.prompt_tokens += answer.prompt_tokens
        self.place.on_sample(answer)
