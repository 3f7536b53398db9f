"""The wire: every message survives the way, nonsense is refused in words."""

import asyncio
from pathlib import Path

import pytest

from evalsvc.specs import ProblemTally, ShardProgress, ShardResult, WorkerState, WorkerStatus
from evalsvc.worker import protocol
from evalsvc.worker.protocol import (
    CancelCommand,
    CancelledEvent,
    Command,
    DrainCommand,
    Event,
    FailedEvent,
    FailureKind,
    ProgressEvent,
    ResultEvent,
    RunCommand,
    ShutdownCommand,
    StatusEvent,
    WireError,
    decode_command,
    decode_event,
    encode,
    messages,
)
from tests.worker_process import smoke_shard

TALLY = ProblemTally(
    problem=1, problem_id="p", n=256, sampled="f" * 64, correct="1", truncated="0",
    no_answer="0", failed="0",
)  # fmt: skip
EVENTS: list[Event] = [
    StatusEvent(status=WorkerStatus(worker_id="w", state=WorkerState.IDLE)),
    ProgressEvent(progress=ShardProgress(shard_id="s", done=3, output_tokens=9)),
    ResultEvent(
        result=ShardResult(
            shard_id="s", epoch=2, tallies=(TALLY,), artifact="a", verifier="1",
            provenance={"text": "two\nlines \u2028 and \x00"},
        )
    ),
    FailedEvent(shard_id="s", epoch=2, kind=FailureKind.ENGINE, message="no", remedy="try"),
    CancelledEvent(shard_id="s"),
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.event)
def test_events_survive(event: Event) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1
    assert decode_event(line) == event


def test_commands_survive(tmp_path: Path) -> None:
    commands: list[Command] = [
        RunCommand(shard=smoke_shard("s", tmp_path)),
        CancelCommand(shard_id="s"),
        DrainCommand(),
        ShutdownCommand(),
    ]
    for command in commands:
        assert decode_command(encode(command)) == command


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[1]", b'{"op":"explode"}', b"\xff\xfe", b"{" * 5000]
)
def test_nonsense_is_refused(line: bytes) -> None:
    with pytest.raises(WireError, match="the same version"):
        decode_command(line)


def test_a_line_that_was_cut_off_is_dropped() -> None:
    async def read() -> list[Event]:
        reader = asyncio.StreamReader(limit=1000)
        reader.feed_data(encode(EVENTS[0]) + encode(EVENTS[1])[:-5])
        reader.feed_eof()
        return [event async for event in messages(reader, decode_event)]

    assert asyncio.run(read()) == EVENTS[:1]


def test_too_long_a_line_is_refused_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read() -> list[Event]:
        reader = asyncio.StreamReader(limit=100)
        reader.feed_data(b"x" * 500)
        return [event async for event in messages(reader, decode_event)]

    with pytest.raises(WireError, match="a line of more than"):
        asyncio.run(read())
    monkeypatch.setattr(protocol, "MAX_LINE_BYTES", 50)
    with pytest.raises(WireError, match="smaller shards"):
        encode(EVENTS[2])
