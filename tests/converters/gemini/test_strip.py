"""1.2, 7.4: signatures of another provider in a Gemini body that else passes as it is."""

import base64
import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.envelope import seal
from converters.gemini import WIRE
from converters.gemini.strip import strip_signatures
from converters.gemini.tokens import PLACEHOLDER
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.turns import Thinking, Token, ToolCall

NEWER, OLDER = "gemini-3-pro-preview", "gemini-2.5-pro"
NATIVE = "CiQB0e2Kb+/="


def wrapped(token: Token) -> str:
    """As a Gemini client carries an envelope."""
    return base64.b64encode(seal(token).encode()).decode()


def model(*parts: Json) -> JsonObject:
    return {"role": "model", "parts": list(parts)}


USER: JsonObject = {"role": "user", "parts": [{"text": "q"}]}
RESULT: JsonObject = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}
CALL: JsonObject = {"functionCall": {"name": "f", "args": {}}}


def call(signature: str | None = None) -> JsonObject:
    return {**copy.deepcopy(CALL)} | ({} if signature is None else {"thoughtSignature": signature})


def stripped(*contents: Json, name: str | None = OLDER, keep_own: bool = True) -> list[Json] | None:
    """The contents afterwards; None when nothing changed."""
    body: JsonObject = {"contents": copy.deepcopy([*contents])}
    if not strip_signatures(body, name, keep_own=keep_own):
        assert body == {"contents": [*contents]}
        return None
    found = body["contents"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("carried", [seal(Token("g", NATIVE)), wrapped(Token("g", NATIVE))])
@pytest.mark.parametrize("key", ["thoughtSignature", "thought_signature"])
def test_7_4_geminis_own_token_comes_out_of_its_envelope_as_it_was(carried: str, key: str) -> None:
    parts: list[JsonObject] = [CALL, {"text": "t"}, {"text": ""}, {"text": "hm", "thought": True}]
    for part in parts:
        assert stripped(USER, model({**part, key: carried})) == [USER, model({**part, key: NATIVE})]


@pytest.mark.parametrize("origin", ["a", "x", "r", "k", "n"])
@pytest.mark.parametrize("wrap", [seal, wrapped])
def test_7_4_a_foreign_envelope_goes_and_so_does_the_thought_that_it_signed(origin: str, wrap: object) -> None:
    assert callable(wrap)
    token = Token(origin, "v")  # type: ignore[arg-type]
    sealed = wrap(token)
    thought: JsonObject = {"text": "hm", "thought": True, "thoughtSignature": sealed}
    unsigned: JsonObject = {"text": "hm", "thought": True}

    assert stripped(USER, model(thought, {"text": "t"})) == [USER, model({"text": "t"})]
    assert stripped(USER, model(unsigned, call(sealed))) == [USER, model(unsigned, CALL)]
    assert stripped(USER, model({"text": "t", "thought_signature": sealed})) == [USER, model({"text": "t"})]
    assert stripped(USER, model({"text": "t"}, {"text": "", "thoughtSignature": sealed})) == [
        USER,
        model({"text": "t"}),
    ]


def test_7_4_a_content_left_empty_goes() -> None:
    thought: JsonObject = {"text": "hm", "thought": True, "thoughtSignature": wrapped(Token("a", "v"))}
    assert stripped(USER, model(thought), USER) == [USER, USER]


def test_7_4_what_google_issued_itself_is_not_touched() -> None:
    thought: JsonObject = {"text": "hm", "thought": True, "thoughtSignature": NATIVE}
    assert stripped(USER, model(thought, call(NATIVE)), RESULT, model(call()), name=NEWER) is None
    assert stripped(USER, model(call(PLACEHOLDER)), {"role": "model"}, "odd", model("odd", 1), name=NEWER) is None


def test_7_4_gemini_3_gets_the_placeholder_on_the_first_call_of_each_step() -> None:
    sealed = wrapped(Token("a", "v"))
    thought: JsonObject = {"text": "hm", "thought": True, "thoughtSignature": sealed}
    history: list[Json] = [
        *(USER, model(thought, call(), call()), RESULT),
        *(model({"text": "t"}), model(call(sealed)), model(call()), RESULT),
        *(model(call(NATIVE), call()), RESULT),
        model({"function_call": {"name": "f"}}),
    ]
    assert stripped(*history, name=NEWER) == [
        *(USER, model(call(PLACEHOLDER), call()), RESULT),
        *(model({"text": "t"}), model(call(PLACEHOLDER)), model(call()), RESULT),
        *(model(call(NATIVE), call()), RESULT),
        model({"function_call": {"name": "f"}, "thought_signature": PLACEHOLDER}),
    ]


@pytest.mark.parametrize(("name", "signed"), [(NEWER, True), (None, True), (OLDER, False)])
def test_7_4_older_models_need_no_placeholder_and_an_unknown_one_may(name: str | None, signed: bool) -> None:
    history = stripped(USER, model(call(wrapped(Token("r", "v")))), name=name)
    assert history == [USER, model(call(PLACEHOLDER) if signed else call())]


def test_7_4_for_the_retry_every_token_and_all_thought_go() -> None:
    thought: JsonObject = {"text": "hm", "thought": True}
    last: JsonObject = {"text": "", "thoughtSignature": NATIVE}
    history: list[Json] = [USER, model(thought, call(NATIVE), call(NATIVE)), RESULT, model({"text": "t"}, last)]

    once = stripped(*history, name=NEWER, keep_own=False)
    assert once == [USER, model(call(PLACEHOLDER), call()), RESULT, model({"text": "t"})]
    assert stripped(*once, name=NEWER, keep_own=False) is None

    assert stripped(*history, name=OLDER, keep_own=False) == [USER, model(call(), call()), RESULT, model({"text": "t"})]


def test_7_4_for_the_retry_calls_that_never_had_a_signature_get_the_placeholder() -> None:
    """A conversation that began at a provider without signatures, and goes on at Gemini 3."""
    assert stripped(USER, model(call()), RESULT, name=NEWER, keep_own=False) == [USER, model(call(PLACEHOLDER)), RESULT]


@pytest.mark.parametrize("key", ["generateContentRequest", "generate_content_request"])
def test_7_4_a_whole_request_inside_a_counting_one_is_stripped(key: str) -> None:
    body: JsonObject = {key: {"contents": [model(call(wrapped(Token("a", "v"))), {"text": "t"})]}}
    assert strip_signatures(body, OLDER, keep_own=True)
    assert body == {key: {"contents": [model(CALL, {"text": "t"})]}}


TOKENS = st.builds(Token, st.sampled_from("axrgkn"), st.text(st.characters(codec="ascii"), min_size=1, max_size=9))
SIGNATURES = st.none() | st.just(NATIVE) | st.builds(seal, TOKENS) | st.builds(wrapped, TOKENS)
PARTS = st.builds(
    lambda part, signature: {**part, **({"thoughtSignature": signature} if signature else {})},
    st.sampled_from([CALL, {"text": "t"}, {"text": ""}, {"text": "hm", "thought": True}]),
    SIGNATURES,
)


@given(st.lists(st.builds(lambda parts: model(*parts), st.lists(PARTS, min_size=1, max_size=4)), max_size=4))
def test_7_4_afterwards_no_token_of_another_provider_is_left(contents: list[Json]) -> None:
    body: JsonObject = {"model": NEWER, "contents": [USER, *copy.deepcopy(contents)]}
    strip_signatures(body, NEWER, keep_own=True)
    chat = WIRE.parse_request(body, Loss())
    tokens = [
        part.token for turn in chat.turns for part in turn.parts if isinstance(part, Thinking | ToolCall) and part.token
    ]
    assert {token.origin for token in tokens} <= {"g"}
    assert not strip_signatures(body, NEWER, keep_own=True)
