"""Cleaning is idempotent, whatever it gets."""

from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.verification.grammar.normalise import Unreadable, clean, plain_text, unwrap


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_the_normaliser_settles(text: str) -> None:
    try:
        once = clean(text)
    except Unreadable:
        return
    assert clean(once) == clean(clean(once))
    assert unwrap(unwrap(text)) == unwrap(text)
    assert plain_text(text) is not None
