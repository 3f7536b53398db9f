"""The verifier beside the engine: hard cases go to killable processes while sampling goes on."""

import asyncio

from evalsvc.catalogue import Problem, Prompt
from evalsvc.verification import (
    ExtractionPolicy,
    VerificationError,
    VerificationPool,
    answer_key,
)
from evalsvc.worker.engines.base import RequestRefused, Sample, SampleRequest
from evalsvc.worker.tally import Judged


class Judge:
    """Judges samples in a pool of `processes` children that start with the first hard case."""

    def __init__(self, processes: int) -> None:
        self._pool = VerificationPool(processes)

    async def judge(
        self, problem: Problem, prompt: Prompt, request: SampleRequest, answer: Sample
    ) -> Judged:
        """The verdict on one answer. Raises RequestRefused when the gold itself cannot be used."""
        tagged = prompt.extraction == "answer_tag"
        try:
            verdict = await self._pool.verify_async(
                answer.text,
                problem.gold,
                kind=problem.kind,
                choices=problem.choices,
                policy=ExtractionPolicy(answer_tag=True) if tagged else None,
            )
        except VerificationError as error:
            raise RequestRefused(
                f"The gold of problem {problem.id!r} cannot be used: {error.message}",
                error.remedy or "Correct the benchmark's golds.yaml.",
            ) from error
        return Judged(request, answer, verdict, answer_key(verdict.extracted, problem.kind) or None)

    async def close(self) -> None:
        """Kill the children."""
        await asyncio.to_thread(self._pool.close)
