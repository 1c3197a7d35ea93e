"""16: model lists in each protocol's own shape."""

import pytest

from converters.json_codec import Json
from converters.model_list import (
    Model,
    anthropic_list,
    anthropic_model,
    openai_list,
    openai_model,
    read_model,
    read_models,
)

GPT = Model("gpt-5", created=1_700_000_000, owner="openai")
CLAUDE = Model("claude-opus-5", "Claude Opus 5", 1_700_000_000)


def test_16_openai_shape() -> None:
    assert openai_list([GPT, CLAUDE]) == {
        "object": "list",
        "data": [
            {"id": "gpt-5", "object": "model", "created": 1_700_000_000, "owned_by": "openai"},
            {"id": "claude-opus-5", "object": "model", "created": 1_700_000_000, "owned_by": "unknown"},
        ],
    }


def test_16_anthropic_shape() -> None:
    assert anthropic_list([CLAUDE, GPT]) == {
        "data": [
            {
                "type": "model",
                "id": "claude-opus-5",
                "display_name": "Claude Opus 5",
                "created_at": "2023-11-14T22:13:20Z",
            },
            {"type": "model", "id": "gpt-5", "display_name": "gpt-5", "created_at": "2023-11-14T22:13:20Z"},
        ],
        "has_more": False,
        "first_id": "claude-opus-5",
        "last_id": "gpt-5",
    }


def test_16_an_empty_anthropic_list_has_no_first_and_last() -> None:
    assert anthropic_list([]) == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_16_a_list_read_in_one_shape_is_written_in_the_other() -> None:
    assert read_models(openai_list([GPT])) == [GPT]
    assert read_models(anthropic_list([CLAUDE])) == [CLAUDE]
    assert read_model(anthropic_model(CLAUDE)) == CLAUDE
    assert read_model(openai_model(GPT)) == GPT


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"data": None}, {"data": {}}, {"models": []}, {"error": {"message": "x"}}]
)
def test_what_is_no_list_of_models_is_none(body: Json) -> None:
    assert read_models(body) is None


def test_entries_without_an_id_are_skipped() -> None:
    assert read_models({"data": [{"id": "a"}, {"id": None}, {"name": "b"}, "c", None, {"id": 5}]}) == [Model("a")]
    assert read_model({"error": {"message": "no such model"}}) is None


@pytest.mark.parametrize(
    ("entry", "created"),
    [
        ({"created": None}, 0),
        ({"created": "yesterday"}, 0),
        ({"created_at": "2023-11-14T22:13:20Z"}, 1_700_000_000),
        ({"created_at": "2023-11-14T23:13:20+01:00"}, 1_700_000_000),
        ({"created_at": "2023-11-14T22:13:20"}, 1_700_000_000),  # no zone: not this machine's
        ({"created_at": "soon"}, 0),
        ({"created_at": 5}, 0),
        ({"created_at": None}, 0),
    ],
)
def test_times_of_either_kind_are_read_and_odd_ones_are_unknown(entry: dict[str, Json], created: int) -> None:
    assert read_model({"id": "m", **entry}) == Model("m", created=created)


@pytest.mark.parametrize("created", [1_700_000_000_000, 10**30, -(10**30)])
def test_a_vendor_that_counts_milliseconds_does_not_break_the_list(created: int) -> None:
    model = read_model({"id": "m", "created": created})
    assert model is not None
    assert anthropic_model(model)["created_at"] == "1970-01-01T00:00:00Z"
