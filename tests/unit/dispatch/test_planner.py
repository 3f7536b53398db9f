"""The planner: every missing sample once, in an order that keeps partial results comparable."""

from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.dispatch import planner
from evalsvc.dispatch.limits import MAX_SHARD_SAMPLES
from evalsvc.store.repositories.shards import Slice


def samples_of(slices: list[Slice]) -> list[tuple[int, int]]:
    return [
        (p, s) for x in slices for p in x.problems for s in range(x.sample_start, x.sample_stop)
    ]


@settings(max_examples=100, deadline=None)
@given(
    problems=st.sets(st.integers(0, 40), max_size=12),
    samples=st.integers(1, 70),
    covered=st.dictionaries(st.integers(0, 40), st.integers(0, 2**70 - 1), max_size=8),
    target=st.integers(1, 200),
)
def test_exactly_the_missing_samples_are_planned_once(
    problems: set[int], samples: int, covered: dict[int, int], target: int
) -> None:
    planned = samples_of(planner.plan(problems, samples, covered, target))
    missing = {(p, s) for p in problems for s in range(samples) if not covered.get(p, 0) >> s & 1}
    assert len(planned) == len(set(planned))
    assert set(planned) == missing


@settings(max_examples=50, deadline=None)
@given(samples=st.integers(1, 70), target=st.integers(1, 200), first=st.integers(1, 300))
def test_cutting_anew_keeps_the_samples(samples: int, target: int, first: int) -> None:
    slices = planner.plan(range(7), samples, {3: 0b1011}, first)
    assert sorted(samples_of(planner.recut(slices, target))) == sorted(samples_of(slices))


def test_slices_are_no_larger_than_the_target() -> None:
    assert all(x.size <= 100 for x in planner.plan(range(50), 256, {}, 100))
    assert all(x.size == 1 for x in planner.plan(range(5), 3, {}, 1))


def test_all_problems_have_their_first_samples_before_any_has_its_last() -> None:
    starts = [x.sample_start for x in planner.plan(range(500), 64, {}, 160)]
    assert starts == sorted(starts)
    assert starts.count(0) == 50


def test_a_top_up_is_only_the_rest() -> None:
    there = dict.fromkeys(range(3), planner.range_mask(0, 4))
    assert planner.plan(range(3), 16, there, 1000) == [Slice((0, 1, 2), 4, 16)]


def test_what_is_planned_counts_as_covered() -> None:
    slices = planner.plan(range(3), 8, {}, 1000)
    covered = planner.covered_by(slices, {5: 1})
    assert covered == {0: 255, 1: 255, 2: 255, 5: 1}
    assert planner.plan(range(3), 8, covered, 1000) == []


def test_the_target_follows_the_rate_within_bounds() -> None:
    assert planner.target_for(rate=10.0, seconds=90) == 900
    assert planner.target_for(rate=0.001, seconds=90) == 1
    assert planner.target_for(rate=1e9, seconds=90) == MAX_SHARD_SAMPLES
    assert planner.share_of(3200, 8) == 400
    assert planner.share_of(10, 8) == planner.SAMPLE_BLOCK
