"""How many verdicts were reached by convention."""

from evalsvc.services.evaluations.confidences import count_confidences


def test_each_verdict_counts_once_and_the_share_is_of_the_recorded_ones() -> None:
    found = count_confidences(
        [
            ("correct", "proven"),
            ("wrong", "proven"),
            ("correct", "computed"),
            ("wrong", "convention"),
            ("correct", None),
            ("no_answer", None),
            ("timeout", None),
        ]
    )
    counts = (found.proven, found.computed, found.convention, found.undecided, found.not_recorded)
    assert counts == (2, 1, 1, 2, 1)
    assert found.samples == sum(counts) == 7
    assert found.convention_share == 0.25
    assert found.sentence.startswith("1 of 4 verdicts (25.0%) were reached by convention")
    assert "How 1 verdicts" in found.sentence


def test_nothing_decided_has_no_share_and_no_sentence() -> None:
    found = count_confidences([("no_answer", None)])
    assert (found.convention_share, found.sentence) == (None, "")
    assert count_confidences([]).samples == 0


def test_a_verifier_that_did_not_say_how_is_named() -> None:
    found = count_confidences([("wrong", None)] * 1200)
    assert found.convention_share is None
    assert found.sentence == "How 1,200 verdicts were reached is not recorded."
