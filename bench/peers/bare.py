"""vLLM without a service: one resident AsyncLLM that gets requests and returns the times.

The same engine arguments, prompts and seeds as ours, all requests at once, nothing scored and
nothing stored: the lower bound on the cost of these samples. It idles between calls. The peer runs
in its own process; `BareEngine` is the client that a bench holds.
"""

import argparse
import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from bench.workload import MAX_MODEL_LEN, Question, Sampling
from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.worker.engines.chat import adopt_template, render_chat
from evalsvc.worker.engines.children import end_engine_children
from evalsvc.worker.engines.vllm_setup import engine_arguments, find_device, prepare_environment
from evalsvc.worker.seeds import sample_seed

ANSWER_SECONDS = 1800.0
MAX_LINE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Work:
    """Questions to answer, after loading the weights of `reload` if it is set.

    `per_request` samples of a problem share a request (n); `seed` None leaves them unseeded.
    """

    questions: Sequence[Question]
    sampling: Sampling
    seed: int | None
    reload: str | None = None
    per_request: int = 1


@dataclass(frozen=True)
class Done:
    """Seconds from the first request to the last answer, reloading included, and tokens."""

    seconds: float
    output_tokens: int
    requests: int


class BareEngine:
    """Client of the peer's process. Starting it takes as long as an engine start."""

    def __init__(
        self, checkpoint: Path, log: Path, arguments: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_SECONDS)
        command = [
            sys.executable, "-m", "bench.peers.bare", "--fd", str(theirs.fileno()),
            "--checkpoint", str(checkpoint), "--arguments", json.dumps(dict(arguments)),
        ]  # fmt: skip
        self._log = log
        with log.open("w") as stream:
            self._process = subprocess.Popen(
                command, stdout=stream, stderr=subprocess.STDOUT, pass_fds=(theirs.fileno(),)
            )
        theirs.close()
        self._lines = ours.makefile("rw", encoding="utf-8")
        self._socket = ours

    def __enter__(self) -> Self:
        self._receive()  # the ready message
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()
        self._socket.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def run(self, work: Work) -> Done:
        """Answer all questions; return when the last answer has arrived."""
        self._lines.write(json.dumps(asdict(work)) + "\n")
        self._lines.flush()
        return Done(**self._receive())

    def _receive(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            sys.exit(f"The bare engine ended:\n{self._log.read_text(errors='replace')[-3000:]}")
        received: dict[str, Any] = json.loads(line)
        return received


class _Peer:
    """The peer's side."""

    def __init__(self, checkpoint: Path, changes: dict[str, Any]) -> None:
        prepare_environment()
        from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: PLC0415
        from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

        spec = inspect_checkpoint(checkpoint)
        limit = min(MAX_MODEL_LEN, spec.context_length or MAX_MODEL_LEN)
        arguments = engine_arguments(spec, find_device(), limit, {}) | changes
        self._llm = AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))
        self._tokenizer: Any = self._llm.get_tokenizer()
        adopt_template(self._tokenizer, checkpoint)

    async def serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=MAX_LINE_BYTES)
        writer.write(b"{}\n")
        while line := await reader.readline():
            told = json.loads(line)
            told["questions"] = [Question(**question) for question in told["questions"]]
            told["sampling"] = Sampling(**told["sampling"])
            work = Work(**told)
            writer.write(json.dumps(asdict(await self._run(work))).encode() + b"\n")
            await writer.drain()
        self._llm.shutdown()

    async def _run(self, work: Work) -> Done:
        began = time.perf_counter()
        if work.reload is not None:
            await self._llm.collective_rpc("reload_weights", kwargs={"weights_path": work.reload})
            await self._llm.reset_prefix_cache()
        prompts = [
            self._tokenizer.encode(
                render_chat(self._tokenizer, question.messages), add_special_tokens=False
            )
            for question in work.questions
        ]
        draws = [
            self._draw(prompt, work, problem, sample)
            for problem, prompt in enumerate(prompts)
            for sample in range(0, work.sampling.samples, work.per_request)
        ]
        tokens = await asyncio.gather(*draws)
        return Done(time.perf_counter() - began, sum(tokens), len(tokens))

    async def _draw(self, prompt: list[int], work: Work, problem: int, sample: int) -> int:
        from vllm import SamplingParams  # noqa: PLC0415
        from vllm.sampling_params import RequestOutputKind  # noqa: PLC0415

        sampling = SamplingParams(
            temperature=work.sampling.temperature,
            top_p=work.sampling.top_p,
            max_tokens=work.sampling.max_tokens,
            seed=None if work.seed is None else sample_seed(work.seed, problem, sample),
            n=min(work.per_request, work.sampling.samples - sample),
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        number = f"{problem}-{sample}-{time.monotonic_ns()}"
        stream = self._llm.generate({"prompt_token_ids": prompt}, sampling, number)
        outputs = [output async for output in stream]  # one: the final one
        return sum(len(answer.token_ids) for answer in outputs[-1].outputs)


def main() -> None:
    """The peer's process: serves until the other end closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--arguments", type=json.loads, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    connection = socket.socket(fileno=options.fd)
    asyncio.run(_serve(options.checkpoint, options.arguments, connection))


def _end(*_: object) -> None:
    """Also end vLLM's engine core, which outlives a terminated parent process."""
    end_engine_children()
    sys.exit(1)


async def _serve(checkpoint: Path, arguments: dict[str, Any], connection: socket.socket) -> None:
    await _Peer(checkpoint, arguments).serve(connection)


if __name__ == "__main__":
    main()
