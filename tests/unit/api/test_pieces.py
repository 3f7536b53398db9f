"""The API's pure pieces: cursors, signatures, metrics, problem documents, the memo, loopback."""

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.api import pagination
from evalsvc.api.auth import RateLimiter, is_loopback
from evalsvc.api.guard import urlsplit_host
from evalsvc.api.problem_details import printable
from evalsvc.errors import TooManyRequests, UsageError
from evalsvc.services.evaluations.figures import useful_ks
from evalsvc.services.memo import Memo
from evalsvc.services.webhooks.deliveries import pinned_url, sign
from evalsvc.services.webhooks.ssrf import Target


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


def test_a_signature_is_hmac_of_timestamp_and_body() -> None:
    expected = hmac.new(b"secret", b"17.{}", hashlib.sha256).hexdigest()
    assert sign("secret", 17, b"{}") == f"t=17,v1={expected}"


def test_a_delivery_goes_to_the_checked_address() -> None:
    target = Target("https://hooks.example.org/a?b=1", "hooks.example.org", 443, "1.2.3.4")
    assert str(pinned_url(target)) == "https://1.2.3.4/a?b=1"
    over_six = Target("http://six.example.org:81/", "six.example.org", 81, "2001:db8::1")
    assert str(pinned_url(over_six)) == "http://[2001:db8::1]:81/"


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


def test_the_memo_forgets_the_least_recently_used() -> None:
    memo = Memo(entries=2)
    calls: list[str] = []

    def compute(name: str) -> str:
        return memo.get(name, lambda: calls.append(name) or name)

    for name in ("a", "b", "a", "c", "a", "b"):
        assert compute(name) == name
    assert calls == ["a", "b", "c", "b"]


def test_the_rate_limit_counts_each_key_for_itself() -> None:
    limiter = RateLimiter(2)
    limiter.take(1)
    limiter.take(1)
    with pytest.raises(TooManyRequests):
        limiter.take(1)
    limiter.take(2)


def test_ks_are_those_asked_for_and_the_powers_of_two() -> None:
    assert useful_ks([3, 99], 8) == [1, 2, 3, 4, 8]
    assert useful_ks([], 0) == []
