"""18.3: a vendor's differences are flags; the defaults are the protocol owner's own behaviour."""

from dataclasses import FrozenInstanceError

import pytest

from converters.profile import DEFAULT, Profile


def test_the_default_profile_sends_all_and_rejects_nothing() -> None:
    assert Profile() == DEFAULT
    assert DEFAULT.rejected == frozenset()
    assert DEFAULT.max_output_tokens is None
    assert (DEFAULT.thinking, DEFAULT.system_field, DEFAULT.empty_content, DEFAULT.image_turns) == (
        "native",
        False,
        False,
        None,
    )
    assert all(
        getattr(DEFAULT, name)
        for name in ("json_schema", "stream_options", "tool_choice_required", "parallel_tool_calls", "strict_tools")
    )


def test_a_profile_is_shared_by_all_requests_and_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULT.one_system = True  # type: ignore[misc]
    assert hash(DEFAULT) == hash(Profile())
