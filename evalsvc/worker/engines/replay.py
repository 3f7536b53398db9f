"""The replay engine: completions from a file. For tests, imports and load tests; needs no torch.

The file is JSON lines, one per problem: `{"problem_id": "..." or "problem": 3, "response": "..." or
"responses": [...], "finish_reason": "stop" | "length"}`. Sample i gets response i modulo the number
of responses. Options: `answers` (the path), `seconds_per_sample` (simulated work), `concurrency`.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalsvc.errors import UsageError
from evalsvc.specs import CheckpointSpec
from evalsvc.worker.engines.base import (
    Completion,
    Engine,
    FinishReason,
    RequestRefused,
    SampleRequest,
    read_options,
)

OPTIONS = {"answers": str, "seconds_per_sample": float, "concurrency": int}
CHARACTERS_PER_TOKEN = 4  # the file has no token counts; this keeps them plausible


@dataclass(frozen=True)
class RecordedResponses:
    """The responses to one problem."""

    responses: tuple[str, ...]
    finish_reason: FinishReason = "stop"


class ReplayEngine(Engine):
    """Completions from a file. The checkpoint is only a name, and a swap always succeeds."""

    name: ClassVar[str] = "replay"

    def __init__(self, options: Mapping[str, Any]) -> None:
        chosen = read_options(self.name, options, OPTIONS)
        if "answers" not in chosen:
            raise UsageError(
                "The engine 'replay' needs a file of answers.",
                'Give engine_options {"answers": "PATH"}.',
            )
        self._path = Path(chosen["answers"])
        self._seconds = float(chosen.get("seconds_per_sample", 0.0))
        self.max_concurrency = max(1, int(chosen.get("concurrency", 64)))
        self._answers: dict[str | int, RecordedResponses] = {}

    async def start(self, checkpoint: CheckpointSpec, max_tokens: int) -> None:
        self._answers = await asyncio.to_thread(read_answers, self._path)

    async def swap(self, checkpoint: CheckpointSpec) -> None:
        return None

    async def generate(self, request: SampleRequest) -> Completion:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        answers = self._answers.get(request.problem_id) or self._answers.get(request.problem)
        if answers is None:
            raise RequestRefused(
                f"{self._path} has no answer to problem {request.problem_id!r} "
                f"(row {request.problem}).",
                "Add a line for it, or evaluate only the problems in the file.",
            )
        text = answers.responses[request.sample_index % len(answers.responses)]
        prompt = sum(len(str(message.get("content", ""))) for message in request.messages)
        return Completion(
            text=text,
            finish_reason=answers.finish_reason,
            output_tokens=_tokens(len(text)),
            prompt_tokens=_tokens(prompt),
        )

    async def close(self) -> None:
        self._answers = {}

    def info(self) -> dict[str, Any]:
        return {"engine": self.name, "device": "none", "answers": str(self._path)}


def read_answers(path: Path) -> dict[str | int, RecordedResponses]:
    """Read responses by problem id and by row index. Raises UsageError that names a bad line."""
    answers: dict[str | int, RecordedResponses] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    key, value = _read_line(line, f"{path}, line {number}")
                    answers[key] = value
    except FileNotFoundError:
        raise UsageError(
            f"There is no file of answers at {path}.", "Check `answers` in `engine_options`."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The answers in {path} cannot be read: {error}.",
            "It must be JSON lines in UTF-8.",
        ) from error
    return answers


def _read_line(line: str, where: str) -> tuple[str | int, RecordedResponses]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not JSON: {error}.", "Repair or remove that line.") from error
    if not isinstance(row, dict):
        raise UsageError(f"{where} is not a JSON object.", "Repair or remove that line.")
    key = row.get("problem_id", row.get("problem"))
    responses: Any = row["responses"] if "responses" in row else [row.get("response")]
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise UsageError(f"{where} has neither `problem_id` nor `problem`.", "Add one of them.")
    if not _is_list_of_texts(responses):
        raise UsageError(
            f"{where} has no `response` (a text) or `responses` (a list of texts).", "Add one."
        )
    finish_reason = row.get("finish_reason", "stop")
    if finish_reason not in {"stop", "length"}:
        raise UsageError(
            f"{where} has the finish_reason {finish_reason!r}.", "Use 'stop' or 'length'."
        )
    return key, RecordedResponses(tuple(responses), finish_reason)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
