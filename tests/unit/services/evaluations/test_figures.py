"""Which k are shown."""

from evalsvc.services.evaluations.figures import useful_ks


def test_ks_are_those_asked_for_and_the_powers_of_two() -> None:
    assert useful_ks([3, 99], 8) == [1, 2, 3, 4, 8]
    assert useful_ks([], 0) == []
