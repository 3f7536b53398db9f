"""What moves a hash and what does not."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.catalogue.rows import Row, StoredImage, content_hash, differences, revision, row_hash

ROW = Row(id="1", question="q", gold="g", choices=("a", "b"))


def test_every_asked_or_judged_field_moves_the_hash() -> None:
    changed = [
        replace(ROW, id="2"),
        replace(ROW, question="q "),
        replace(ROW, gold="h"),
        replace(ROW, choices=("b", "a")),
        replace(ROW, choices=None),
        replace(ROW, letter="A"),
        replace(ROW, texts={"query": "x"}),
        replace(ROW, images=(StoredImage("a.png"),)),
    ]
    assert len({content_hash([row]) for row in [ROW, *changed]}) == len(changed) + 1


def test_subjects_and_levels_do_not_move_it() -> None:
    other = replace(ROW, subject="algebra", level="3", metadata={"url": "x"})
    assert content_hash([ROW]) == content_hash([other])


def test_the_order_of_rows_moves_it() -> None:
    other = replace(ROW, id="2")
    assert content_hash([ROW, other]) != content_hash([other, ROW])


def test_pixels_move_the_revision_only() -> None:
    seen = replace(ROW, images=(StoredImage("a.png", "f", "0" * 64),))
    other = replace(ROW, images=(StoredImage("a.png", "f", "1" * 64),))
    assert content_hash([seen]) == content_hash([other])
    assert revision([seen]) != revision([other])
    assert revision([ROW]) == content_hash([ROW])


def test_differences_name_the_rows() -> None:
    known = {"1": row_hash(ROW), "2": "0" * 12, "3": "0" * 12}
    rows = [ROW, replace(ROW, id="2"), replace(ROW, id="4")]
    assert differences(rows, known) == ["2 differs", "3 is missing", "4 is unknown"]


@settings(max_examples=50, deadline=None)
@given(st.text(), st.text())
def test_no_two_texts_run_together(question: str, gold: str) -> None:
    """Field boundaries are part of the hash, whatever the texts contain."""
    moved = replace(ROW, question=question + gold, gold="")
    kept = replace(ROW, question=question, gold=gold)
    assert (row_hash(moved) == row_hash(kept)) == (gold == "")
