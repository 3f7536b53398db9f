"""Our rules and the box-only rule over the same samples."""

from evalsvc.artifacts.reading import JudgedSample
from evalsvc.services.evaluations.scoring import score_both


def test_both_scores_and_why_they_differ() -> None:
    found = score_both(
        [
            JudgedSample(0, True, "choice: letter", "B"),
            JudgedSample(0, True, "choice: option text", "green"),
            JudgedSample(1, True, "answer tag; choice: letter", "A"),
            JudgedSample(1, False, "choice: letter", "C"),
            JudgedSample(2, True, "same text", "5"),
        ]
    )
    assert (found.samples, found.correct, found.correct_box_only) == (5, 4, 2)
    assert found.pass_at_1 == (1 + 0.5 + 1) / 3
    assert found.pass_at_1_box_only == (0.5 + 0 + 1) / 3
    assert found.only_by_our_rules == {"answer tag; choice: letter": 1, "choice: option text": 1}
    assert "2 of 4 accepted answers" in found.sentence


def test_nothing_is_said_where_both_agree() -> None:
    agreed = score_both([JudgedSample(0, True, "same text", "5")])
    assert agreed.sentence == ""
    assert score_both([]).pass_at_1 is None
