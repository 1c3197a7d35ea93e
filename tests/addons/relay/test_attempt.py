"""What a bad answer's status says, and how often deadlines are looked at."""

import pytest
from mitmproxy.http import Response

from addons.relay.attempt import alarm_period, error_of_answer
from converters.errors import Kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.BAD_REQUEST),
        (401, Kind.AUTH),
        (402, Kind.PAYMENT),
        (413, Kind.TOO_LARGE),
        (422, Kind.BAD_REQUEST),
        (429, Kind.RATE_LIMIT),
        (500, Kind.SERVER),
        (503, Kind.OVERLOADED),
        (504, Kind.TIMEOUT),
        (529, Kind.OVERLOADED),
        (599, Kind.SERVER),
    ],
)
def test_status_of_a_bad_answer(status: int, kind: Kind) -> None:
    error = error_of_answer(Response.make(status))
    assert (error.kind, error.status) == (kind, status)


@pytest.mark.parametrize(
    ("deadlines", "period"),
    [((60.0, 300.0), 1.0), ((60.0, 0.0, 2.0), 0.4), ((0.1,), 0.05), ((0.0, 0.0), 1.0), ((), 1.0)],
)
def test_alarm_rings_often_enough_but_not_too_often(deadlines: tuple[float, ...], period: float) -> None:
    assert alarm_period(*deadlines) == pytest.approx(period)
