"""Top level of a client's request: 2.1, 7.1, 8, 9, 10, 17; and 20.2, parse and build again."""

from contextlib import suppress
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.anthropic.build import build_request
from converters.anthropic.parse import parse_request
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject, dumps
from converters.loss import Loss
from converters.profile import DEFAULT
from converters.turns import Cache, Chat, Format, Reasoning, SystemText, Text, Turn

HI: JsonObject = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "integer"}}}


def parse(**fields: Json) -> Chat:
    return parse_request({**HI, **fields}, Loss())


def refused(**fields: Json) -> str | None:
    with pytest.raises(ConversionError) as caught:
        parse(**fields)
    assert caught.value.status == 400
    return caught.value.param


def test_a_request_says_nothing_that_the_client_did_not_say() -> None:
    assert parse() == Chat(
        "claude-sonnet-4-5", "anthropic", turns=[Turn("user", [Text("hi")])], max_tokens=9, want_usage=True
    )


def test_null_is_the_same_as_nothing_said() -> None:
    named = "system temperature top_p top_k stop_sequences metadata tools tool_choice thinking output_config stream x"
    assert parse(**dict.fromkeys(named.split(), None)) == parse()


def test_9_sampling_fields_are_read_and_explicit_zeros_survive() -> None:
    chat = parse(temperature=0, top_p=0.0, top_k=0, stop_sequences=["a", " "], stream=True, max_tokens=0)
    assert (chat.temperature, chat.top_p, chat.top_k, chat.stop, chat.stream) == (0, 0.0, 0, ["a", " "], True)
    assert chat.max_tokens == 0  # only warms the cache


def test_2_1_system_is_a_text_or_text_blocks() -> None:
    assert parse(system="be kind").system == [SystemText("be kind")]
    assert parse(system="").system == []
    marked: JsonObject = {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert parse(system=[{"type": "text", "text": "a"}, marked]).system == [
        SystemText("a"),
        SystemText("b", Cache("1h")),
    ]


@pytest.mark.parametrize(
    ("thinking", "config", "reasoning"),
    [
        (None, None, None),
        ({"type": "enabled", "budget_tokens": 5000}, None, Reasoning(None, 5000, "manual", True)),
        (
            {"type": "enabled", "budget_tokens": 5000, "display": "omitted"},
            {"effort": "low"},
            Reasoning("low", 5000, "manual", False),
        ),
        ({"type": "adaptive"}, None, Reasoning(None, None, "adaptive", True)),
        ({"type": "adaptive", "display": "summarized"}, {"effort": "max"}, Reasoning("max", None, "adaptive", True)),
        ({"type": "disabled"}, None, Reasoning("none", None, "off", False)),
        ({"type": "disabled"}, {"effort": "high"}, Reasoning("high", None, "off", False)),
        (None, {"effort": "xhigh"}, Reasoning("xhigh", None, "manual", False)),
    ],
)
def test_7_1_reasoning_is_read(thinking: Json, config: Json, reasoning: Reasoning | None) -> None:
    assert parse(thinking=thinking, output_config=config).reasoning == reasoning


def test_8_structured_output_is_read_at_both_places() -> None:
    wanted: JsonObject = {"type": "json_schema", "schema": SCHEMA}
    expected = Format("json_schema", schema=SCHEMA, strict=True)
    assert parse(output_config={"format": wanted}).format == expected
    assert parse(output_format=wanted).format == expected
    assert parse(output_config={"effort": "low"}, output_format=wanted).format == expected


def test_10_the_user_is_read_from_the_metadata() -> None:
    assert parse(metadata={"user_id": "u" * 200}).user == "u" * 200


def test_17_unknown_fields_go_to_native_as_they_came() -> None:
    chat = parse(
        service_tier="auto",
        context_management={"edits": []},
        cache_control={"type": "ephemeral"},
        output_config={"effort": "low", "task_budget": 5},
        metadata={"user_id": "u", "other": 1},
    )
    assert chat.native == {
        "service_tier": "auto",
        "context_management": {"edits": []},
        "cache_control": {"type": "ephemeral"},
        "output_config": {"task_budget": 5},
        "metadata": {"other": 1},
    }


@pytest.mark.parametrize(
    ("field", "wrong", "param"),
    [
        ("model", None, "model"),
        ("model", "", "model"),
        ("model", 3, "model"),
        ("max_tokens", None, "max_tokens"),
        ("max_tokens", -1, "max_tokens"),
        ("max_tokens", "9", "max_tokens"),
        ("max_tokens", True, "max_tokens"),
        ("messages", None, "messages"),
        ("messages", [], "messages"),
        ("messages", "hi", "messages"),
        ("system", 3, "system"),
        ("system", ["a"], "system[0]"),
        ("system", [{"type": "image"}], "system[0].type"),
        ("system", [{"type": "text", "text": 1}], "system[0].text"),
        ("temperature", "1", "temperature"),
        ("top_p", [], "top_p"),
        ("top_k", 1.5, "top_k"),
        ("stream", "yes", "stream"),
        ("stop_sequences", "a", "stop_sequences"),
        ("stop_sequences", [1], "stop_sequences"),
        ("metadata", "u", "metadata"),
        ("metadata", {"user_id": 1}, "metadata.user_id"),
        ("thinking", True, "thinking"),
        ("thinking", {}, "thinking.type"),
        ("thinking", {"type": "enabled"}, "thinking.budget_tokens"),
        ("thinking", {"type": "enabled", "budget_tokens": "9"}, "thinking.budget_tokens"),
        ("output_config", {"effort": "lots"}, "output_config.effort"),
        ("output_config", {"format": {"type": "xml"}}, "output_config.format.type"),
        ("output_config", {"format": {"type": "json_schema"}}, "output_config.format.schema"),
        ("output_format", {"type": "json_schema", "schema": 1}, "output_format.schema"),
    ],
)
def test_17_what_is_malformed_is_a_400_that_names_the_field(field: str, wrong: Json, param: str) -> None:
    assert refused(**{field: wrong}) == param


# --- whatever comes ---

WORDS = st.sampled_from(
    "user assistant system text image document tool_use tool_result thinking base64 url file ephemeral enabled auto tool"
    " json_schema server_tool_use bash_20250124 x ".split(" ")
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "role content type text source data media_type id name input tool_use_id is_error signature cache_control"
                " citations title effort format schema budget_tokens display user_id input_schema strict".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        "model max_tokens messages system stream temperature stop_sequences metadata tools tool_choice thinking"
        " output_config output_format unknown".split(),
        VALUES,
    ),
)


@given(BODIES, st.booleans())
def test_17_any_object_gives_a_chat_or_a_conversion_error(body: JsonObject, complete: bool) -> None:
    before = deepcopy(body)
    with suppress(ConversionError):
        chat = parse_request({**HI, **body} if complete else body, Loss())
        build_request(chat, DEFAULT, Loss())
    assert body == before


# --- 20.2: the same protocol again ---

PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=5)
MARKS = st.sampled_from([{}, {}, {"cache_control": {"type": "ephemeral"}}])
IDS = st.sampled_from(["toolu_1", "toolu_2"])


def block(type_: str, **fields: st.SearchStrategy[Json]) -> st.SearchStrategy[JsonObject]:
    made = st.fixed_dictionaries({"type": st.just(type_), **fields})
    return st.builds(lambda block, mark: {**block, **mark}, made, MARKS)


def unmarked(type_: str, **fields: st.SearchStrategy[Json]) -> st.SearchStrategy[JsonObject]:
    return st.fixed_dictionaries({"type": st.just(type_), **fields})


TEXT = block("text", text=PLAIN)
IMAGE = block(
    "image",
    source=st.sampled_from(
        [
            {"type": "base64", "media_type": "image/png", "data": "aGk="},
            {"type": "url", "url": "https://e.com/a.png"},
            {"type": "file", "file_id": "file_1"},
        ]
    ),
)
DOCUMENT = block(
    "document",
    title=PLAIN,
    citations=st.just({"enabled": True}),
    source=st.sampled_from(
        [
            {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
            {"type": "text", "media_type": "text/plain", "data": "hi"},
            {"type": "content", "content": [{"type": "text", "text": "hi"}]},
        ]
    ),
)
RESULT = st.builds(
    lambda result, error: {**result, **error},
    block("tool_result", tool_use_id=IDS, content=PLAIN | st.lists(TEXT | IMAGE, min_size=2, max_size=3)),
    st.sampled_from([{}, {"is_error": True}]),
)
USER = st.lists(RESULT, max_size=2), st.lists(TEXT | IMAGE | DOCUMENT, min_size=1, max_size=3)
ASSISTANT = st.lists(
    TEXT
    | unmarked("thinking", thinking=PLAIN, signature=PLAIN)
    | unmarked("redacted_thinking", data=PLAIN)
    | block("tool_use", id=IDS, name=st.just("get"), input=st.dictionaries(PLAIN, PLAIN | st.integers()))
    | unmarked("server_tool_use", id=st.just("srvtoolu_1"), name=st.just("web_search"), input=st.just({}))
    | unmarked("web_search_tool_result", tool_use_id=st.just("srvtoolu_1"), content=st.just([])),
    min_size=1,
    max_size=4,
)
TOOL = block(
    "custom", name=st.just("get"), description=PLAIN, input_schema=st.just(SCHEMA), defer_loading=st.just(True)
)
OPTIONS: dict[str, st.SearchStrategy[Json]] = {
    "system": st.lists(TEXT, min_size=1, max_size=2),
    "stream": st.just(True),
    "temperature": st.floats(0, 1),
    "top_k": st.integers(1, 50),
    "stop_sequences": st.lists(PLAIN, min_size=1, max_size=3),
    "metadata": st.builds(lambda user: {"user_id": user}, st.text(min_size=1)),
    "output_config": st.just({"format": {"type": "json_schema", "schema": SCHEMA}}),
    "service_tier": st.just("auto"),
    "context_management": st.just({"edits": []}),
}


@st.composite
def requests(draw: st.DrawFn) -> JsonObject:
    """Requests that the API takes, in the form in which it would be built; at most 4 marks."""
    messages: list[Json] = []
    for _ in range(draw(st.integers(1, 2))):
        messages.append({"role": "user", "content": [*draw(USER[0]), *draw(USER[1])]})
        messages.append({"role": "assistant", "content": [*draw(ASSISTANT)]})
    messages.append({"role": "user", "content": [*draw(USER[0]), *draw(USER[1])]})
    body: JsonObject = {"model": "claude-sonnet-4-5", "max_tokens": draw(st.integers(1, 64000)), "messages": messages}
    body |= draw(st.fixed_dictionaries({}, optional=OPTIONS))
    if draw(st.booleans()):
        tool: Json = draw(TOOL)
        body["tools"] = [tool, {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]
        choices: list[Json] = [
            {"type": "auto", "disable_parallel_tool_use": True},
            {"type": "any"},
            {"type": "none"},
            {"type": "tool", "name": "get"},
        ]
        body["tool_choice"] = draw(st.sampled_from(choices))
    if not draw(st.booleans()) or "tools" in body or "temperature" in body or "top_k" in body:
        return body
    body["max_tokens"] = 4096
    signed: JsonObject = {"type": "thinking", "thinking": "t", "signature": "s"}
    messages[-2] = {"role": "assistant", "content": [signed, {"type": "text", "text": "a"}]}
    thinking: list[JsonObject] = [
        {"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
        {"type": "disabled"},
    ]
    body["thinking"] = draw(st.sampled_from(thinking))
    return body


def normal(body: JsonObject) -> Json:
    """`type: custom` may be left out."""
    tools = body.get("tools")
    if isinstance(tools, list):
        body["tools"] = [
            {name: value for name, value in tool.items() if (name, value) != ("type", "custom")}
            for tool in tools
            if isinstance(tool, dict)
        ]
    return body


@given(requests())
def test_20_2_parsed_and_built_for_the_same_protocol_it_is_the_same_request(body: JsonObject) -> None:
    sent = dumps(body)
    loss = Loss()
    built = build_request(parse_request(body, loss), DEFAULT, loss)
    assert dumps(body) == sent
    if "cache_control" not in loss.dropped:  # more than 4 marks
        assert normal(built) == normal(body)
    assert not loss.changed


@given(requests())
def test_20_3_the_same_request_gives_the_same_bytes_and_a_longer_one_begins_alike(body: JsonObject) -> None:
    first = build_request(parse_request(body, Loss()), DEFAULT, Loss())
    assert dumps(build_request(parse_request(body, Loss()), DEFAULT, Loss())) == dumps(first)
    messages = body["messages"]
    assert isinstance(messages, list)
    more: list[Json] = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    loss = Loss()
    longer = build_request(parse_request({**body, "messages": messages + more}, loss), DEFAULT, loss)
    assert isinstance(longer["messages"], list)
    assert longer["messages"][: len(messages)] == first["messages"]
