"""Exchanging vLLM's weights in place, and the checks without which a swap is not believed.

vLLM only warns about tensors that it did not find, and keeps several caches that depend on the
weights (docs/decisions/0503 lists what can go wrong in silence). Therefore:

- every cache is emptied after a reload, with nothing in flight;
- no more tensors of the engine may be unchanged than the two checkpoints' files have in common;
- the first swap of an engine (each one, for vision-language models) is proved by a round trip:
  going back must give exactly the digests, and exactly the greedy answer, of the weights before.
  The first of these were loaded cold, so that this compares a swap with a cold start.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from evalsvc.specs import CheckpointSpec, Modality
from evalsvc.worker.engines.base import SampleRequest, SwapFailed
from evalsvc.worker.engines.weight_files import tensors_in_common

RESET_ATTEMPTS = 50
RESET_PAUSE_SECONDS = 0.1
CANARY_TOKENS = 16
CANARY_QUESTION = "Compute 12 + 34 and put the answer into \\boxed{}."
IN_DOUBT = "The engine is restarted with the new checkpoint."

log = logging.getLogger(__name__)
Digests = list[dict[str, str]]  # by tensor, one for each process of the engine


class Swapper:
    """Swaps the weights of one AsyncLLM. `canary` draws the fixed greedy answer."""

    def __init__(self, llm: Any, canary: Callable[[Modality], Awaitable[list[int]]]) -> None:
        self._llm = llm
        self._canary = canary
        self._proved = False
        self._present: Digests | None = None  # of the weights that the last swap left

    async def swap(self, old: CheckpointSpec, new: CheckpointSpec) -> None:
        """From `old` to `new`, of equal architecture. After a SwapFailed nothing is certain."""
        try:
            await self._swap(old, new)
        except SwapFailed:
            raise
        except Exception as error:  # vLLM raises whatever its parts raise
            raise SwapFailed(
                f"vLLM could not take over {new.path}: {type(error).__name__}: {error}.", IN_DOUBT
            ) from error

    async def _swap(self, old: CheckpointSpec, new: CheckpointSpec) -> None:
        before = self._present or await self._digests()
        prove = not self._proved or new.modality is Modality.IMAGE
        answer = await self._canary(old.modality) if prove else []
        # The files are compared while vLLM reads the new ones: large models are not read twice.
        common, after = await asyncio.gather(
            asyncio.to_thread(tensors_in_common, Path(old.path), Path(new.path)),
            self._reload(new),
        )
        check_changed(before, after, common)
        self._present = after
        if not prove:
            return
        if await self._reload(old) != before:
            raise SwapFailed(f"Swapping back to {old.path} gave other weights.", IN_DOUBT)
        if await self._canary(old.modality) != answer:
            raise SwapFailed(f"Swapping back to {old.path} gave another answer.", IN_DOUBT)
        if await self._reload(new) != after:
            raise SwapFailed(f"Swapping twice to {new.path} gave different weights.", IN_DOUBT)
        self._proved = True
        log.info("swapping proved by a round trip: same weights, same greedy answer")

    async def _reload(self, checkpoint: CheckpointSpec) -> Digests:
        await self._llm.collective_rpc("reload_weights", kwargs={"weights_path": checkpoint.path})
        await self._empty_caches()
        return await self._digests()

    async def _empty_caches(self) -> None:
        await self._llm.reset_mm_cache()
        await self._llm.reset_encoder_cache()
        for _ in range(RESET_ATTEMPTS):
            if await self._llm.reset_prefix_cache():
                return
            await asyncio.sleep(RESET_PAUSE_SECONDS)
        raise SwapFailed("The prefix cache could not be emptied.", IN_DOUBT)

    async def _digests(self) -> Digests:
        found: Digests = await self._llm.collective_rpc("evalsvc_weight_digests")
        return found


def canary_request(modality: Modality) -> SampleRequest:
    """The fixed question; for vision-language models with a fixed picture."""
    content: Any = CANARY_QUESTION
    images: tuple[Any, ...] = ()
    if modality is Modality.IMAGE:
        from PIL import Image

        images = (Image.linear_gradient("L").resize((112, 112)).convert("RGB"),)
        content = [{"type": "image"}, {"type": "text", "text": CANARY_QUESTION}]
    return SampleRequest(
        problem=-1,
        problem_id="canary",
        sample_index=0,
        messages=[{"role": "user", "content": content}],
        images=images,
        temperature=0.0,
        top_p=1.0,
        max_tokens=CANARY_TOKENS,
    )


def check_changed(before: Digests, after: Digests, common: int) -> None:
    """Each tensor of the engine is made of at least one tensor of the files, and of its own.

    So at most `common`, the number of file tensors that both checkpoints share, may stay the same.
    """
    if [d.keys() for d in before] != [d.keys() for d in after] or not all(after):
        raise SwapFailed("The engine holds other tensors than before.", IN_DOUBT)
    for old, new in zip(before, after, strict=True):
        unchanged = sum(new[name] == digest for name, digest in old.items())
        if unchanged > common:
            raise SwapFailed(
                f"{unchanged} of {len(old)} tensors did not change, but the two checkpoints "
                f"have only {common} in common.",
                IN_DOUBT,
            )
        log.info("%d of %d tensors changed", len(old) - unchanged, len(old))
