"""Verify completions next to the engine: slow cases run in killable processes meanwhile."""

import asyncio

from evalsvc.catalogue import Problem, Prompt
from evalsvc.verification import (
    ExtractionPolicy,
    VerificationError,
    VerificationPool,
    answer_key,
)
from evalsvc.worker.engines.base import Completion, RequestRefused, SampleRequest
from evalsvc.worker.tally import VerifiedSample


class AsyncVerifier:
    """Verifies in a pool of `processes` children, which start with the first slow case."""

    def __init__(self, processes: int) -> None:
        self._pool = VerificationPool(processes)

    async def verify(
        self, problem: Problem, prompt: Prompt, request: SampleRequest, completion: Completion
    ) -> VerifiedSample:
        """Verify one completion. Raises RequestRefused if the problem's gold is unusable."""
        tagged = prompt.extraction == "answer_tag"
        try:
            verdict = await self._pool.verify_async(
                completion.text,
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
        key = answer_key(verdict.extracted, problem.kind) or None
        return VerifiedSample(request, completion, verdict, key)

    async def close(self) -> None:
        """Kill the children."""
        await asyncio.to_thread(self._pool.close)
