"""Send the samples of one shard to the engine, and no more at a time than it wants.

One request per sample. All shards on an engine share its request slots. The shard that arrived
first submits first, and the next one follows as soon as it has submitted its last request, so the
engine does not drain between shards.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalsvc.catalogue import Problem
from evalsvc.specs import SeedPolicy, ShardSpec
from evalsvc.worker.engines.base import Completion, RequestRefused, SampleRequest
from evalsvc.worker.hosting import Loaded
from evalsvc.worker.problems import RenderedProblem, ShardProblems
from evalsvc.worker.seeds import sample_seed
from evalsvc.worker.tally import ProblemBook

OnCompletion = Callable[[ProblemBook, SampleRequest, Completion], None]


@dataclass(frozen=True)
class Sampler:
    """Draws the samples of a shard. `room` bounds the samples that are not verified yet.

    Every completion goes to `on_completion`, which must release `room` when it is done with it.
    """

    spec: ShardSpec
    loaded: Loaded
    problems: ShardProblems
    room: asyncio.Semaphore
    on_completion: OnCompletion

    async def run(self, books: Sequence[ProblemBook], first_come: asyncio.Lock) -> None:
        """Draw all samples of `books`. Raises ExceptionGroup when the engine fails."""
        async with asyncio.TaskGroup() as sampling, first_come:
            for book in books:
                try:
                    rendered = await self.problems.render(book.problem)
                except RequestRefused as error:
                    book.refuse(str(error))
                else:
                    await self._submit(book, rendered, sampling)

    async def _submit(
        self, book: ProblemBook, rendered: RenderedProblem, sampling: asyncio.TaskGroup
    ) -> None:
        slots = self.loaded.slots
        for sample_index in range(self.spec.sample_start, self.spec.sample_stop):
            await self.room.acquire()
            await slots.acquire()
            request = self._request(book.problem, rendered, sample_index)
            task = sampling.create_task(self._draw(book, request))
            # Not in the task itself: a task that is cancelled before it starts never runs.
            task.add_done_callback(lambda _: slots.release())

    async def _draw(self, book: ProblemBook, request: SampleRequest) -> None:
        if book.error is not None:
            self.room.release()
            return
        try:
            completion = await self.loaded.engine.generate(request)
        except RequestRefused as error:
            book.refuse(str(error))
            self.room.release()
        else:
            self.on_completion(book, request, completion)

    def _request(
        self, problem: Problem, rendered: RenderedProblem, sample_index: int
    ) -> SampleRequest:
        protocol = self.spec.protocol
        seeded = protocol.seed_policy is SeedPolicy.PER_SAMPLE
        return SampleRequest(
            problem=problem.index,
            problem_id=problem.id,
            sample_index=sample_index,
            messages=rendered.messages,
            images=rendered.images,
            temperature=protocol.temperature,
            top_p=protocol.top_p,
            max_tokens=protocol.max_tokens,
            seed=sample_seed(protocol.seed, problem.index, sample_index) if seeded else None,
        )
