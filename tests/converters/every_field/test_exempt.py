"""17: what is exempt from the proof is little, has a reason, and is still needed."""

import pytest

from tests.converters.every_field import verdict
from tests.converters.every_field.exempt import EXEMPT, SAME, Exempt, Same, is_constant
from tests.converters.every_field.verdict import WIRES, client_spots, judge


@pytest.mark.parametrize("one", EXEMPT, ids=lambda one: f"{one.client}-{one.provider}-{one.path}")
def test_an_exempt_field_would_vanish(one: Exempt) -> None:
    assert judge(one.client, one.provider, one.path).gone
    assert one.why[0].isdigit()


@pytest.mark.parametrize("one", SAME, ids=lambda one: f"{one.client}-{one.path}")
def test_values_that_are_said_to_be_the_same_become_the_same(one: Same, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "is_same", lambda *_: False)
    assert any(judge(one.client, name, one.path).gone for name in WIRES if name != one.client)


def test_a_constant_tells_a_variant_or_has_no_other_value() -> None:
    """`type: text` cannot be anything else; what could be left out is proven like any other field."""
    names = {spot.key for client in WIRES for spot, _ in client_spots(client).values() if is_constant(spot)}
    optional = {
        spot.key for client in WIRES for spot, _ in client_spots(client).values() if is_constant(spot) and spot.optional
    }
    assert {"type", "role"} <= names
    assert optional <= {"type", "role"}
