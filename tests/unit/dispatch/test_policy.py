"""The policy: priority with ageing, fairness, then what the worker has loaded."""

import itertools
from collections import Counter

from evalsvc.dispatch.limits import AGEING_SECONDS, FAIRNESS_SHARDS
from evalsvc.dispatch.policy import (
    Candidate,
    Fit,
    Shares,
    choose,
)

LOADED = Fit("qwen", "qwen/a")


def candidate(name: str, weights: str = "qwen/a", **changes: object) -> Candidate:
    values: dict[str, object] = {
        "evaluation_id": name,
        "fit": Fit(weights.split("/", maxsplit=1)[0], weights),
        "owner": "ada",
        "priority": 0,
        "order": name,
        "waiting_since": 0.0,
    }
    return Candidate(**{**values, **changes})  # type: ignore[arg-type]


def chosen(*candidates: Candidate, loaded: Fit | None = LOADED, now: float = 0.0) -> str | None:
    shares = Shares()
    shares.set_waiting(c.owner for c in candidates)
    found = choose(candidates, loaded, {}, shares, now)
    return found.evaluation_id if found else None


def test_nothing_waits() -> None:
    assert chosen() is None


def test_the_highest_priority_goes_first_whatever_is_loaded() -> None:
    assert chosen(candidate("1"), candidate("2", "llama/x", priority=1)) == "2"


def test_then_the_loaded_checkpoint_then_its_architecture_then_the_oldest() -> None:
    other, same_family = candidate("1", "llama/x"), candidate("2", "qwen/b")
    loaded = candidate("3", "qwen/a")
    assert chosen(other, same_family, loaded) == "3"
    assert chosen(other, same_family) == "2"
    assert chosen(candidate("2", "llama/x"), candidate("1", "gemma/y")) == "1"
    assert chosen(other, same_family, loaded, loaded=None) == "1"


def test_workers_spread_over_checkpoints() -> None:
    shares, loads = Shares(), Counter({"qwen/a": 1})
    both = [candidate("1", "qwen/a"), candidate("2", "qwen/b")]
    found = choose(both, None, loads, shares, 0.0)
    assert found is not None
    assert found.evaluation_id == "2"


def test_waiting_raises_the_priority_so_that_nothing_starves() -> None:
    patient, urgent = candidate("1", waiting_since=0.0), candidate("2", priority=3)
    for levels, expected in ((0, "2"), (2, "2"), (4, "1")):
        urgent.waiting_since = now = levels * AGEING_SECONDS  # it is served all the time
        assert chosen(patient, urgent, now=now) == expected


def test_a_clock_that_runs_behind_does_no_harm() -> None:
    assert chosen(candidate("1", waiting_since=3600.0), candidate("2", priority=1)) == "2"


def test_users_get_equal_shares_in_runs_long_enough_for_a_loaded_checkpoint() -> None:
    shares, loaded = Shares(), None
    waiting = [
        candidate("1", "qwen/a", owner="ada"),
        candidate("2", "qwen/b", owner="bob"),
    ]
    served: list[str] = []
    for _ in range(200):
        shares.set_waiting(c.owner for c in waiting)
        found = choose(waiting, loaded, {}, shares, 0.0)
        assert found is not None
        shares.charge(found.owner)
        served.append(found.owner)
        loaded = found.fit
    counts = Counter(served)
    assert abs(counts["ada"] - counts["bob"]) <= FAIRNESS_SHARDS
    switches = sum(a != b for a, b in itertools.pairwise(served))
    assert switches <= 200 / FAIRNESS_SHARDS


def test_who_comes_later_starts_level_with_the_others() -> None:
    shares = Shares()
    shares.set_waiting(["ada"])
    for _ in range(1000):
        shares.charge("ada")
    shares.set_waiting(["ada", "bob"])
    assert shares.given["bob"] == shares.given["ada"]
