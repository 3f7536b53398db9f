"""The cache of what was computed from results."""

from evalsvc.services.memo import Memo


def test_the_memo_forgets_the_least_recently_used() -> None:
    memo = Memo(entries=2)
    calls: list[str] = []

    def compute(name: str) -> str:
        return memo.get(name, lambda: calls.append(name) or name)

    for name in ("a", "b", "a", "c", "a", "b"):
        assert compute(name) == name
    assert calls == ["a", "b", "c", "b"]
