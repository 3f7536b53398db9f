"""The table of workers: one that has sent its status, and one that has sent none yet."""

from datetime import UTC, datetime

from evalsvc.dashboard.pages.workers import WorkersModel
from evalsvc.dashboard.rendering.environment import environment
from evalsvc.services.operations.workers import WorkerView
from evalsvc.specs import WorkerState, WorkerStatus

TABLE = "{% import 'macros.html' as m %}{% set o = model %}{% include 'worker_table.html' %}"


def worker(status: WorkerStatus | None) -> WorkerView:
    at = datetime.now(UTC)
    return WorkerView("w1", "idle", 1, at, at, status)


def table(*views: WorkerView) -> str:
    return environment().from_string(TABLE).render(model=WorkersModel(views, []))


def test_a_worker_shows_what_its_status_says() -> None:
    status = WorkerStatus(
        worker_id="w1",
        state=WorkerState.IDLE,
        message="a<b",
        checkpoint_path="/runs/x",
        swaps=3,
        tokens_per_second=123.4,
        shards_in_flight=("s1", "s2"),
        device="cpu",
        engine="vllm",
    )
    shown = table(worker(status))
    for text in ("a&lt;b", "/runs/x", ">3</td>", ">123<", ">2</td>", "vllm cpu"):
        assert text in shown


def test_a_worker_without_a_status_is_shown_all_the_same() -> None:
    assert table(worker(None)).count(">0</td>") == 3
