"""16: model lists in each protocol's own shape. The outputs must be what the vendors' own libraries take."""

import json
from dataclasses import replace

import httpx
import openai.types
import pytest
from anthropic.pagination import SyncPage
from anthropic.types import ModelInfo
from google import genai
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from converters.json_codec import Json, JsonObject
from converters.model_list import (
    Model,
    next_page,
    read_model,
    read_models,
    with_known_limits,
    write_list,
    write_model,
)

GPT = Model("some-gpt", created=1_700_000_000, owner="openai", input_limit=272_000, output_limit=128_000)
CLAUDE = Model("some-claude", "Some Claude", 1_700_000_000, input_limit=1_000_000, output_limit=128_000)
PROTOCOLS = ("chat", "responses", "anthropic", "gemini")
MODELS = st.builds(
    Model,
    id=st.from_regex(r"[a-z][a-z0-9./-]{0,12}", fullmatch=True),
    name=st.text(max_size=8),
    created=st.integers(0, 4_000_000_000),
    owner=st.text(max_size=8),
    input_limit=st.none() | st.integers(1, 2**31 - 1),
    output_limit=st.none() | st.integers(1, 2**31 - 1),
)


def plain(model: Model | None) -> Model:
    assert model is not None
    return replace(model, native=None)


# --- writing ---


@pytest.mark.parametrize("protocol", ["chat", "responses"])
def test_16_openai_shape(protocol: str) -> None:
    assert write_list(protocol, [GPT, Model("x")]) == {
        "object": "list",
        "data": [
            {
                "id": "some-gpt",
                "object": "model",
                "created": 1_700_000_000,
                "owned_by": "openai",
                "context_window": 272_000,
                "max_output_tokens": 128_000,
            },
            {"id": "x", "object": "model", "created": 0, "owned_by": "unknown"},
        ],
    }


def test_16_anthropic_shape() -> None:
    nothing = dict.fromkeys(("deprecated_at", "retires_at", "line", "capabilities"))
    assert write_list("anthropic", [CLAUDE, Model("x")]) == {
        "data": [
            {
                "type": "model",
                "id": "some-claude",
                "display_name": "Some Claude",
                "created_at": "2023-11-14T22:13:20Z",
                "lifecycle": "active",
                "max_input_tokens": 1_000_000,
                "max_tokens": 128_000,
                **nothing,
            },
            {
                "type": "model",
                "id": "x",
                "display_name": "x",
                "created_at": "1970-01-01T00:00:00Z",
                "lifecycle": "active",
                "max_input_tokens": None,
                "max_tokens": None,
                **nothing,
            },
        ],
        "has_more": False,
        "first_id": "some-claude",
        "last_id": "x",
    }


def test_16_an_empty_anthropic_list_has_no_first_and_last() -> None:
    assert write_list("anthropic", []) == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_16_gemini_shape() -> None:
    methods = ["generateContent", "countTokens"]
    assert write_list("gemini", [CLAUDE, Model("tunedModels/x")]) == {
        "models": [
            {
                "name": "models/some-claude",
                "displayName": "Some Claude",
                "inputTokenLimit": 1_000_000,
                "outputTokenLimit": 128_000,
                "supportedGenerationMethods": methods,
            },
            {"name": "tunedModels/x", "displayName": "tunedModels/x", "supportedGenerationMethods": methods},
        ]
    }


@given(st.lists(MODELS, max_size=3))
def test_16_each_vendors_own_types_take_every_list(models: list[Model]) -> None:
    ids = [model.id for model in models]
    seen = [openai.types.Model.model_validate(entry).id for entry in entries(write_list("chat", models), "data")]
    assert ids == seen
    found = [ModelInfo.model_validate(entry) for entry in entries(write_list("anthropic", models), "data")]
    assert [(m.id, m.input_limit, m.output_limit) for m in models] == [
        (one.id, one.max_input_tokens, one.max_tokens) for one in found
    ]


def entries(body: JsonObject, name: str) -> list[Json]:
    found = body[name]
    assert isinstance(found, list)
    return found


def test_16_googles_library_takes_the_list_and_the_single_model() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        one = request.url.path.endswith("/some-claude")
        return httpx.Response(200, json=write_model("gemini", CLAUDE) if one else write_list("gemini", [CLAUDE, GPT]))

    http = httpx.Client(transport=httpx.MockTransport(answer))
    client = genai.Client(api_key="k", http_options=types.HttpOptions(httpx_client=http))

    assert [(model.name, model.input_token_limit) for model in client.models.list()] == [
        ("models/some-claude", 1_000_000),
        ("models/some-gpt", 272_000),
    ]
    found = client.models.get(model="some-claude")
    assert (found.display_name, found.output_token_limit) == ("Some Claude", 128_000)
    assert found.supported_actions == ["generateContent", "countTokens"]


def test_16_anthropics_library_sees_one_page() -> None:
    page = SyncPage[ModelInfo].model_validate(write_list("anthropic", [CLAUDE, GPT]))
    assert not page.has_next_page()
    assert [model.id for model in page.data] == ["some-claude", "some-gpt"]


@pytest.mark.parametrize("created", [1_700_000_000_000, 10**30, -(10**30)])
def test_a_vendor_that_counts_milliseconds_does_not_break_the_list(created: int) -> None:
    model = read_model({"id": "m", "created": created})
    assert model is not None
    assert write_model("anthropic", model)["created_at"] == "1970-01-01T00:00:00Z"


# --- what came in the shape that is asked for ---

NATIVE: dict[str, JsonObject] = {
    "chat": {"id": "m", "object": "model", "owned_by": "vendor", "pricing": {"prompt": "0.1"}},
    "anthropic": {"type": "model", "id": "m", "display_name": "M", "capabilities": {"batch": {"supported": True}}},
    "gemini": {"name": "models/m", "baseModelId": "m", "version": "001", "temperature": 1.5},
}


@pytest.mark.parametrize("wire", NATIVE)
def test_16_an_entry_of_the_same_protocol_goes_as_it_came(wire: str) -> None:
    model = read_model(NATIVE[wire])
    assert model is not None
    assert json.dumps(NATIVE[wire]) == json.dumps(write_model(wire, model))


def test_16_an_openai_entry_goes_as_it_came_to_both_of_openais_protocols() -> None:
    model = read_model(NATIVE["chat"])
    assert model is not None
    assert write_model("responses", model) == NATIVE["chat"]


@pytest.mark.parametrize(("wire", "renamed"), [("chat", "id"), ("anthropic", "id"), ("gemini", "name")])
def test_16_an_alias_changes_the_name_and_nothing_else(wire: str, renamed: str) -> None:
    model = read_model(NATIVE[wire])
    assert model is not None
    before = json.dumps(NATIVE[wire])
    alias = "models/fast" if wire == "gemini" else "fast"

    assert write_model(wire, replace(model, id="fast")) == {**NATIVE[wire], renamed: alias}
    assert json.dumps(NATIVE[wire]) == before


@pytest.mark.parametrize(("read", "written"), [("chat", "anthropic"), ("anthropic", "gemini"), ("gemini", "chat")])
def test_16_an_entry_of_another_protocol_is_made_anew(read: str, written: str) -> None:
    model = read_model(NATIVE[read])
    assert write_model(written, plain(model)) == write_model(written, model or GPT)


# --- reading ---


@given(MODELS, st.sampled_from(PROTOCOLS))
def test_16_a_list_that_was_written_is_read_again(model: Model, protocol: str) -> None:
    found = read_models(json.loads(json.dumps(write_list(protocol, [model]))))
    assert found is not None
    assert [model.id] == [one.id for one in found]
    known = with_known_limits(model)
    assert (known.input_limit, known.output_limit) == (found[0].input_limit, found[0].output_limit)


@pytest.mark.parametrize(
    "body",
    [
        *(None, [], "x", {}, {"data": None}, {"data": {}}, {"models": {}}, {"error": {"message": "x"}}),
        *({"models": [{"name": "llama3:8b"}]}, {"models": [1]}),
    ],
)
def test_what_is_no_list_of_models_is_none(body: Json) -> None:
    assert read_models(body) is None


def test_an_empty_list_is_a_list() -> None:
    assert read_models({"data": []}) == []
    assert read_models({"models": []}) == []


def test_entries_without_an_id_are_skipped() -> None:
    body: Json = {"data": [{"id": "a"}, {"id": None}, {"name": "b"}, "c", None, {"id": 5}]}
    assert [plain(model) for model in read_models(body) or []] == [Model("a")]
    assert read_model({"error": {"message": "no such model"}}) is None


def test_16_of_geminis_models_those_that_generate_are_listed() -> None:
    body: Json = {
        "models": [
            {"name": "models/a", "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]},
            {"name": "models/untold"},
            {"name": "tunedModels/b", "supportedGenerationMethods": ["generateContent", "countTokens"]},
        ]
    }
    assert [model.id for model in read_models(body) or []] == ["a", "untold", "tunedModels/b"]


@pytest.mark.parametrize(
    ("entry", "limits"),
    [
        ({"context_length": 8, "max_output_tokens": 2}, (8, 2)),
        ({"context_window": 8, "max_completion_tokens": 2}, (8, 2)),
        ({"max_model_len": 8}, (8, None)),
        ({"max_context_length": 8}, (8, None)),
        ({"max_input_tokens": 7, "context_window": 8}, (7, None)),
        ({"context_length": 8, "top_provider": {"context_length": 6, "max_completion_tokens": 2}}, (8, 2)),
        ({"top_provider": {"context_length": 6, "max_completion_tokens": None}}, (6, None)),
        ({"context_length": "8", "max_output_tokens": True, "top_provider": 1}, (None, None)),
        ({"context_length": 0, "max_output_tokens": -1}, (None, None)),
        ({"max_tokens": 2}, (None, None)),  # means this and that among vendors
    ],
)
def test_16_limits_are_read_under_the_names_of_openai_compatible_vendors(
    entry: JsonObject, limits: tuple[int | None, int | None]
) -> None:
    model = read_model({"id": "m", "object": "model", **entry})
    assert model is not None
    assert limits == (model.input_limit, model.output_limit)


def test_16_limits_of_anthropic_and_gemini_are_read() -> None:
    entry: Json = {"type": "model", "id": "m", "display_name": "M", "max_input_tokens": 8, "max_tokens": 2}
    assert plain(read_model(entry)) == Model("m", "M", input_limit=8, output_limit=2)
    entry = {"name": "models/m", "displayName": "M", "inputTokenLimit": 8, "outputTokenLimit": 2}
    assert plain(read_model(entry)) == Model("m", "M", owner="google", input_limit=8, output_limit=2)


def test_16_the_providers_own_limits_win_and_the_table_fills_the_rest() -> None:
    model = read_model({"id": "gpt-4o", "context_window": 7})
    assert model is not None
    assert (7, 16_384) == (model.input_limit, model.output_limit)


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
    assert plain(read_model({"id": "m", **entry})) == Model("m", created=created)


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"data": [], "has_more": True, "last_id": "b"}, {"after_id": "b"}),
        ({"data": [], "has_more": False, "last_id": "b"}, None),
        ({"data": [], "has_more": True, "last_id": None}, None),
        ({"object": "list", "data": [], "has_more": True, "last_id": "b"}, None),  # OpenAI's list has no pages
        ({"models": [], "nextPageToken": "t"}, {"pageToken": "t"}),
        ({"models": [], "nextPageToken": ""}, None),
        ({"models": []}, None),
        (None, None),
    ],
)
def test_16_the_next_page_is_asked_for_in_the_protocols_own_way(body: Json, query: dict[str, str] | None) -> None:
    assert query == next_page(body)
