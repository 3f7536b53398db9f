"""The public face: the example in the docstring of `verify` is what happens."""

import doctest

from evalsvc import verification
from evalsvc.errors import EvalsvcError


def test_the_example_of_verify() -> None:
    results = doctest.testmod(verification)
    assert results.attempted >= 3
    assert results.failed == 0


def test_errors_belong_to_the_one_tree() -> None:
    assert issubclass(verification.VerificationError, EvalsvcError)
