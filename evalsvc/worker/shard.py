"""Run one shard: sample its problems, and verify the completions at the same time.

Samples are drawn problem by problem. So the samples of a problem share their prompt in the
engine's cache, and are complete and written to the transcript soon after each other. Memory is
bounded: at most `MAX_UNVERIFIED_SAMPLES` samples are in progress, and the rows of a problem are
released once it is complete.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from evalsvc.artifacts import ArtifactStore
from evalsvc.artifacts.store import Transcript
from evalsvc.specs import ShardProgress, ShardResult, ShardSpec
from evalsvc.verification import VERIFIER_VERSION
from evalsvc.worker.async_verifier import AsyncVerifier
from evalsvc.worker.engines.base import Completion, RequestRefused, SampleRequest
from evalsvc.worker.failures import first_error
from evalsvc.worker.hosting import EngineHost, Loaded
from evalsvc.worker.limits import MAX_UNVERIFIED_SAMPLES
from evalsvc.worker.problems import ProblemSource, ShardProblems
from evalsvc.worker.provenance import provenance
from evalsvc.worker.sampler import Sampler
from evalsvc.worker.tally import ProblemBook


@dataclass(frozen=True)
class WorkerResources:
    """What all shards of a worker share."""

    source: ProblemSource
    host: EngineHost
    verifier: AsyncVerifier
    artifacts: ArtifactStore
    on_completion: Callable[[Completion], None]


@dataclass
class ShardRun:
    """One shard while it runs. Call `execute` once."""

    spec: ShardSpec
    resources: WorkerResources
    done: int = 0  # verified samples
    output_tokens: int = 0
    prompt_tokens: int = 0
    _room: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_UNVERIFIED_SAMPLES)
    )

    async def execute(self) -> ShardResult:
        """Sample, verify and store the shard. Cancelling it aborts its requests in the engine."""
        began = time.perf_counter()
        problems = await self.resources.source.load(self.spec)
        books = [ProblemBook(self.spec, problem) for problem in problems.problems]
        transcript = self.resources.artifacts.begin(self.spec.artifact)
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
        """Fill `books` and `transcript`.

        The engine is free for the next checkpoint once all samples are drawn; verification may
        still go on.
        """

        async def verify(book: ProblemBook, request: SampleRequest, completion: Completion) -> None:
            try:
                verified = await self.resources.verifier.verify(
                    book.problem, problems.prompt, request, completion
                )
            except RequestRefused as error:
                book.refuse(str(error))
                return
            book.add(verified)
            self.done += 1
            if book.complete:
                rows, book.rows = book.rows, []
                await asyncio.to_thread(transcript.write, rows)

        try:
            async with asyncio.TaskGroup() as verifying:

                def on_completion(
                    book: ProblemBook, request: SampleRequest, completion: Completion
                ) -> None:
                    self._count(completion)
                    task = verifying.create_task(verify(book, request, completion))
                    task.add_done_callback(lambda _: self._room.release())

                async with self.resources.host.serving(self.spec) as loaded:
                    sampler = Sampler(self.spec, loaded, problems, self._room, on_completion)
                    await sampler.run(books, self.resources.host.sampling_lock)
        except BaseExceptionGroup as group:
            raise first_error(group) from group
        for book in books:  # completions of a problem that was refused later
            await asyncio.to_thread(transcript.write, book.rows)
        return loaded

    def _count(self, completion: Completion) -> None:
        self.output_tokens += completion.output_tokens
        self.prompt_tokens += completion.prompt_tokens
        self.resources.on_completion(completion)
