"""Cursors, loopback addresses, hosts, problem documents and the rate limit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.api import pagination
from evalsvc.api.auth import RateLimiter, is_loopback
from evalsvc.api.guard import urlsplit_host
from evalsvc.api.problem_details import printable
from evalsvc.errors import TooManyRequests, UsageError


@settings(max_examples=50)
@given(st.lists(st.text().filter(lambda t: "\0" not in t) | st.integers(0, 2**40), min_size=1))
def test_a_cursor_comes_back_as_it_was(key: list[str | int]) -> None:
    assert pagination.decode(pagination.encode(tuple(key))) == tuple(key)


@settings(max_examples=100)
@given(st.text(max_size=40))
def test_any_other_text_is_refused_or_is_a_key(text: str) -> None:
    try:
        key = pagination.decode(text)
    except UsageError:
        return
    assert key


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_the_null_origin_has_no_host() -> None:
    assert urlsplit_host("null") == ""
    assert urlsplit_host("http://[") == ""


def test_lone_surrogates_are_printable() -> None:
    assert printable({"a\ud800": ["\udfff"]}) == {"a?": ["?"]}


def test_the_rate_limit_counts_each_key_for_itself() -> None:
    limiter = RateLimiter(2)
    limiter.take(1)
    limiter.take(1)
    with pytest.raises(TooManyRequests):
        limiter.take(1)
    limiter.take(2)
