"""Keeping an engine busy with the samples of one shard, and no fuller than it wants to be.

One request per sample. The engine's slots are shared by all shards on it; the shard that came
first is fed first, and the next one follows in its footsteps, so that the engine does not drain
between them.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalsvc.catalogue import Problem
from evalsvc.specs import SeedPolicy, ShardSpec
from evalsvc.worker.engines.base import RequestRefused, Sample, SampleRequest
from evalsvc.worker.hosting import Loaded
from evalsvc.worker.problems import Question, ShardProblems
from evalsvc.worker.seeds import sample_seed
from evalsvc.worker.tally import ProblemBook

OnAnswer = Callable[[ProblemBook, SampleRequest, Sample], None]


@dataclass(frozen=True)
class Feed:
    """The way of a shard's samples into the engine. `room` bounds the samples not yet judged.

    Every answer goes to `on_answer`, which has to release `room` once it is done with it.
    """

    spec: ShardSpec
    loaded: Loaded
    problems: ShardProblems
    room: asyncio.Semaphore
    on_answer: OnAnswer

    async def run(self, books: Sequence[ProblemBook], first_come: asyncio.Lock) -> None:
        """Draw all samples of `books`. Raises ExceptionGroup when the engine fails."""
        async with asyncio.TaskGroup() as sampling, first_come:
            for book in books:
                try:
                    question = await self.problems.question(book.problem)
                except RequestRefused as error:
                    book.refuse(str(error))
                else:
                    await self._feed(book, question, sampling)

    async def _feed(
        self, book: ProblemBook, question: Question, sampling: asyncio.TaskGroup
    ) -> None:
        slots = self.loaded.slots
        for index in range(self.spec.sample_start, self.spec.sample_stop):
            await self.room.acquire()
            await slots.acquire()
            request = self._request(book.problem, question, index)
            task = sampling.create_task(self._draw(book, request))
            # Not in the task itself: one that is cancelled before it begins never runs.
            task.add_done_callback(lambda _: slots.release())

    async def _draw(self, book: ProblemBook, request: SampleRequest) -> None:
        if book.error is not None:
            self.room.release()
            return
        try:
            answer = await self.loaded.engine.generate(request)
        except RequestRefused as error:
            book.refuse(str(error))
            self.room.release()
        else:
            self.on_answer(book, request, answer)

    def _request(self, problem: Problem, question: Question, sample: int) -> SampleRequest:
        protocol = self.spec.protocol
        seeded = protocol.seed_policy is SeedPolicy.PER_SAMPLE
        return SampleRequest(
            problem=problem.index,
            problem_id=problem.id,
            sample=sample,
            messages=question.messages,
            images=question.images,
            temperature=protocol.temperature,
            top_p=protocol.top_p,
            max_tokens=protocol.max_tokens,
            seed=sample_seed(protocol.seed, problem.index, sample) if seeded else None,
        )
