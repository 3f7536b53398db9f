"""Merging tallies into masks: shifted, counted once, never wrong for being missing."""

from evalsvc.store.repositories.results import Masks, merge, to_bytes
from tests.support.submissions import tally


def test_bits_are_shifted_by_the_first_sample() -> None:
    merged = merge(Masks(sampled=0b1111, correct=0b0101), tally(0, 4, correct=0b0011), 4)
    assert merged.sampled == 0b1111_1111
    assert merged.correct == 0b0011_0101


def test_a_sample_that_is_there_is_not_counted_again() -> None:
    old = Masks(sampled=0b11, correct=0b01, tokens=20)
    merged = merge(old, tally(0, 2, correct=0b10), 0)
    assert merged == old
    grown = merge(old, tally(0, 4, correct=0b1110), 0)
    assert (grown.sampled, grown.correct, grown.tokens) == (0b1111, 0b1101, 40)


def test_missing_samples_stay_missing() -> None:
    merged = merge(Masks(), tally(0, 2, sampled="5", correct=0b100), 0)
    assert merged.sampled.bit_count() == 2
    assert merged.correct == 0b100


def test_a_problem_that_could_not_be_asked_keeps_its_reason_until_it_could() -> None:
    failed = merge(Masks(), tally(0, 0, error="no picture"), 0)
    assert (failed.sampled, failed.error) == (0, "no picture")
    assert merge(failed, tally(0, 2), 0).error is None


def test_masks_are_little_endian() -> None:
    assert to_bytes(1 << 9) == b"\x00\x02"
    assert to_bytes(0) == b""


def test_null_characters_of_a_reason_do_not_reach_the_database() -> None:
    assert merge(Masks(), tally(0, 0, error="a\x00b"), 0).error == "a\N{REPLACEMENT CHARACTER}b"
