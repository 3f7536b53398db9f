"""Choosing problems and samples, and the drawings made of them."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np

from evalsvc.dashboard.pages.matrix import MatrixCell
from evalsvc.dashboard.pages.problem_list import select_problems
from evalsvc.dashboard.pages.sample_masks import choose as choose_samples
from evalsvc.dashboard.pages.sample_masks import marks_of
from evalsvc.dashboard.plots.lanes import draw_timeline
from evalsvc.dashboard.plots.passk import PlottedCurve, pass_at_k_figure
from evalsvc.dashboard.plots.training import Gap, Point, Series, training_figure
from evalsvc.dashboard.rendering.svg import progress, whisker
from evalsvc.services.compare.method_curves import MethodPoint, together
from evalsvc.services.compare.problem_matrix import ProblemMatrix, choose, strip, tally
from evalsvc.services.evaluations.samples import runs_of
from evalsvc.services.evaluations.timeline import Happening, Span, Timeline
from evalsvc.store.models import ProblemResult
from evalsvc.store.repositories.counts import Counts


def matrix() -> ProblemMatrix:
    n = np.array([[4, 4, 4, 4, 0], [4, 4, 4, 4, 4]])
    c = np.array([[0, 4, 3, 0, 0], [2, 4, 1, 0, 4]])
    shares = np.where(n > 0, c / np.maximum(n, 1), np.nan)
    return ProblemMatrix(np.array([0, 1, 2, 5, 9]), n, c, shares)


def test_filters_speak_of_the_first_and_the_last_column() -> None:
    counted = tally(matrix())
    assert counted == {
        "all": 5,
        "only_b": 1,
        "only_a": 0,
        "flips": 1,
        "never": 1,
        "always": 2,
    }


def test_a_missing_problem_is_not_an_unsolved_one() -> None:
    order = choose(matrix(), "all", "difference", descending=True)
    assert order.tolist() == [0, 1, 3, 2, 4]
    assert MatrixCell(0, 0).shade == "missing"
    assert [MatrixCell(256, c).shade for c in (0, 1, 26, 128, 255, 256)] == [
        "c0",
        "c1",
        "c1",
        "c5",
        "c9",
        "c9",
    ]


def test_the_strip_averages_neighbours_in_this_order() -> None:
    found = strip(matrix(), np.array([0, 1, 2, 3]), 2)
    assert found.tolist() == [[0.5, 0.375], [0.75, 0.125]]
    assert np.isnan(strip(matrix(), np.array([4]), 10)[0, 0])


def test_problems_are_sorted_and_stay_in_order_when_equal() -> None:
    problems = np.array([0, 1, 2, 3])
    counts = Counts(problems, np.full(4, 4), np.array([4, 0, 2, 0]), problems * 10, problems)
    assert select_problems(counts, "wrong", "share", False).positions.tolist() == [1, 3, 2]
    assert select_problems(counts, "never", "problem", True).positions.tolist() == [3, 1]
    chosen = select_problems(counts, "all", "share", True)
    assert (chosen.solved_never, chosen.solved_always) == (2, 1)


def test_masks_tell_failures_and_missing_samples_apart() -> None:
    result = ProblemResult(
        n=4,
        c=1,
        sampled=bytes([0b101111]),
        correct=bytes([0b1]),
        truncated=bytes([0b100]),
        no_answer=bytes([0b100]),
        failed=bytes([0b1000]),
    )
    marks = marks_of(result)
    assert [(mark.sample, mark.verdict) for mark in marks] == [
        (0, "correct"),
        (1, "wrong"),
        (2, "no_answer"),
        (3, "failed"),
        (5, "wrong"),
    ]
    assert [mark.sample for mark in choose_samples(marks, "wrong")] == [1, 5]
    assert [mark.sample for mark in choose_samples(marks, "truncated")] == [2]
    by_convention = choose_samples(marks, "convention", {0, 5, 99})
    assert [mark.sample for mark in by_convention] == [0, 5]
    assert choose_samples(marks, "convention") == []
    assert runs_of([1, 2, 3, 7, 9, 10]) == [(1, 3), (7, 1), (9, 2)]


def test_drawings_hold_numbers_only() -> None:
    assert 'x1="45.0" x2="67.5"' in whisker(0.6, 0.5, 0.75)
    assert whisker(None, None, None) == ""
    bar = progress(50, 100, 80)
    assert 'width="50.00"' in bar
    assert bar.count("<rect") == 2


def test_a_band_stops_at_a_gap_and_has_no_bounds_where_there_are_none() -> None:
    points = [Point(step, 0.5, 0.4, 0.6, "/e") for step in (1, 2, 4, 5)]
    figure = training_figure([Series("run", points, [Gap(3, "rotated")])], "pass@1")
    bands = [trace for trace in figure["data"] if trace.get("fill") == "toself"]
    assert [max(trace["x"]) for trace in bands] == [2, 5]
    line = next(trace for trace in figure["data"] if trace["mode"] == "lines+markers")
    assert line["y"] == [50, 50, None, 50, 50]
    curve = PlottedCurve("a", (1, 2, 4), (0.1, 0.2, 0.3), (0.05, 0.1, None), (0.2, 0.3, None))
    band = pass_at_k_figure([curve])["data"][0]
    assert max(band["x"]) == 2


def test_a_point_alone_between_gaps_has_a_bar() -> None:
    points = [Point(step, 0.5, 0.4, 0.6) for step in (1, 3)]
    figure = training_figure([Series("run", points, [Gap(2, "rotated")])], "pass@1")
    bars = [trace for trace in figure["data"] if trace.get("fill") == "toself"]
    assert [bar["x"] for bar in bars] == [[1, 1], [3, 3]]
    assert all(bar["line"]["width"] > 0 for bar in bars)


def test_a_method_is_the_mean_of_its_runs_and_the_room_between_them() -> None:
    found = together([{100: 0.2, 200: 0.4}, {100: 0.6}])
    assert found == [MethodPoint(100, 0.4, 0.2, 0.6, 2), MethodPoint(200, 0.4, 0.4, 0.4, 1)]


def test_shards_in_flight_together_lie_beneath_each_other() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def span(first: int, last: int) -> Span:
        at = [start + timedelta(seconds=second) for second in (first, last)]
        return Span("s", "e", "gpu", "done", at[0], at[1], 64, 1, 0, "")

    drawing = draw_timeline(Timeline((span(0, 10), span(5, 15), span(10, 20)), (), 3))
    tops = re.findall(r'<rect [^>]* y="([^"]+)"', drawing)
    assert len(tops) == 3
    assert tops[0] == tops[2] != tops[1]


def test_the_timeline_escapes_names_and_marks_deaths() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    later = start + timedelta(minutes=2)
    span = Span("s", "e", "<b>gpu</b>", "done", start, later, 64, 1, 1, "")
    death = Happening(start + timedelta(minutes=1), "worker.died", "<b>gpu</b>", "", {})
    drawing = draw_timeline(Timeline((span,), (death,), 3))
    assert "&lt;b&gt;gpu" in drawing
    assert "<b>" not in drawing
    assert 'class="event event-bad"' in drawing
    assert "1 worker died of it" in drawing
    assert draw_timeline(Timeline((), (), 0)) == ""
