"""17: every field of an Anthropic Messages request is mapped, named as lost, or a 400, at each provider of another protocol."""

from tests.converters.every_field.cases import every_group, refuse_vanished


@every_group("anthropic")
def test_17_no_field_vanishes(provider: str, group: str) -> None:
    refuse_vanished("anthropic", provider, group)
