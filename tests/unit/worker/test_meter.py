"""The rate in a worker's status: over the last moments only."""

import pytest

from evalsvc.worker.meter import WINDOW_SECONDS, Meter


def test_the_rate_is_over_the_window() -> None:
    now = 0.0
    meter = Meter(lambda: now)
    assert meter.rate() == 0
    for second in range(11):
        now = float(second)
        meter.add(50)
    assert meter.rate() == pytest.approx(55)
    now += WINDOW_SECONDS + 1
    assert meter.rate() == 0
