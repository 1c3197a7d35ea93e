"""2.1, 2.2, 6: system prompts, roles, calls and results, from each client to each provider."""

from typing import Any

import pytest

from tests.converters.four_wires import CONTENT, HISTORY, WIRES, JsonObject, converted, pairs, question, user_message

type Items = list[JsonObject]
PNG = "iVBORw0KGgo="
DATA_URL = f"data:image/png;base64,{PNG}"
NOT_A_CALL = "No result was recorded for this call."
ORPHAN = "[Result of an earlier tool call gone]\nold"


def text(wire: str, words: str, role: str = "user") -> JsonObject:
    kind = {"responses": "output_text" if role == "assistant" else "input_text", "gemini": None}.get(wire, "text")
    return {"text": words} if kind is None else {"type": kind, "text": words}


def said(wire: str, words: str) -> JsonObject:
    """The assistant's."""
    role = "model" if wire == "gemini" else "assistant"
    return {"role": role, CONTENT[wire]: [text(wire, words, "assistant")]}


def called(wire: str, *ids: str, arguments: str = '{"x":1}', args: JsonObject | None = None) -> Items:
    args = {"x": 1} if args is None else args
    match wire:
        case "chat":
            calls = [{"id": i, "type": "function", "function": {"name": "f", "arguments": arguments}} for i in ids]
            return [{"role": "assistant", "content": None, "tool_calls": calls}]
        case "responses":
            return [{"type": "function_call", "call_id": i, "name": "f", "arguments": arguments} for i in ids]
        case "anthropic":
            return [
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": i, "name": "f", "input": args} for i in ids],
                }
            ]
    return [{"role": "model", "parts": [{"functionCall": {"id": i, "name": "f", "args": args}} for i in ids]}]


def gave(wire: str, id_: str, words: str, *, is_error: bool = False, image: bool = False) -> Items:
    """A result: text, perhaps a picture."""
    match wire:
        case "chat":
            shown = {"type": "image_url", "image_url": {"url": DATA_URL}}
            content: Any = [text(wire, words), shown] if image else words
            return [{"role": "tool", "tool_call_id": id_, "content": content}]
        case "responses":
            content = [text(wire, words), {"type": "input_image", "image_url": DATA_URL}] if image else words
            return [{"type": "function_call_output", "call_id": id_, "output": content}]
        case "anthropic":
            source = {"type": "base64", "media_type": "image/png", "data": PNG}
            content = [text(wire, words), {"type": "image", "source": source}] if image else words
            result = {"type": "tool_result", "tool_use_id": id_, "content": content}
            return [{"role": "user", "content": [{**result, **({"is_error": True} if is_error else {})}]}]
    answer: JsonObject = {"id": id_, "name": "f", "response": {"error" if is_error else "output": words}}
    answer |= {"parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}]} if image else {}
    return [{"role": "user", "parts": [{"functionResponse": answer}]}]


def sent(client: str, provider: str, *items: JsonObject) -> tuple[Items, Any]:
    """The provider's history of a client's one, and what was lost."""
    made, loss = converted(client, provider, {HISTORY[client]: [question(client), *items]})
    return made[HISTORY[provider]], loss


def hi(provider: str, words: str = "q") -> JsonObject:
    """A user's text as it is sent."""
    if provider == "chat":
        return {"role": "user", "content": words}
    kind = {"type": "message"} if provider == "responses" else {}
    return {**kind, **user_message(provider, text(provider, words))}


def sent_calls(provider: str, history: Items) -> list[tuple[str, Any]]:
    """Id and arguments of each call."""
    match provider:
        case "chat":
            calls = [call for message in history for call in message.get("tool_calls", [])]
            return [(call["id"], call["function"]["arguments"]) for call in calls]
        case "responses":
            return [(item["call_id"], item["arguments"]) for item in history if item["type"] == "function_call"]
    parts = [part for message in history for part in message[CONTENT[provider]]]
    if provider == "anthropic":
        return [(part["id"], part["input"]) for part in parts if part["type"] == "tool_use"]
    return [(part["functionCall"]["id"], part["functionCall"]["args"]) for part in parts if "functionCall" in part]


def sent_results(provider: str, history: Items) -> list[tuple[str, Any]]:
    """Id and content of each result; with `is_error` where there is such a thing."""
    match provider:
        case "chat":
            return [(m["tool_call_id"], m["content"]) for m in history if m["role"] == "tool"]
        case "responses":
            return [(item["call_id"], item["output"]) for item in history if item["type"] == "function_call_output"]
    parts = [part for message in history for part in message[CONTENT[provider]]]
    if provider == "anthropic":
        results = [part for part in parts if part["type"] == "tool_result"]
        return [(p["tool_use_id"], (p["content"], True) if p.get("is_error") else p["content"]) for p in results]
    answers = [part["functionResponse"] for part in parts if "functionResponse" in part]
    return [(answer["id"], answer["response"]) for answer in answers]


# --- 2.1, 2.2 ---

SYSTEM: dict[str, JsonObject] = {
    "chat": {"messages": [{"role": "system", "content": "one"}, {"role": "developer", "content": "two"}]},
    "responses": {"instructions": "one", "input": [{"role": "developer", "content": "two"}]},
    "anthropic": {"system": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], "messages": []},
    "gemini": {"system_instruction": {"parts": [{"text": "one"}, {"text": "two"}]}, "contents": []},
}
BOTH = [{"text": "one"}, {"text": "two"}]
SYSTEM_SENT: dict[str, Any] = {
    "responses": ("instructions", "one\n\ntwo"),
    "anthropic": ("system", [{"type": "text", **each} for each in BOTH]),
    "gemini": ("systemInstruction", {"parts": BOTH}),
}


@pairs
def test_2_2_leading_system_texts(provider: str, client: str) -> None:
    body = {**SYSTEM[client], HISTORY[client]: [*SYSTEM[client][HISTORY[client]], question(client)]}
    made, _ = converted(client, provider, body)
    if provider == "chat":
        systems = [{"role": "system", "content": each} for each in ("one", "two")]
        assert made["messages"] == [*systems, hi(provider)]
        return
    name, expected = SYSTEM_SENT[provider]
    assert made[name] == expected
    assert made[HISTORY[provider]] == [hi(provider)]


LATE = {
    "chat": {"role": "system", "content": "brief"},
    "responses": {"role": "developer", "content": "brief"},
    "anthropic": {"role": "system", "content": "brief"},
}
REMINDER = "<system-reminder>\nbrief\n</system-reminder>"


@pytest.mark.parametrize("client", LATE)
@pytest.mark.parametrize("provider", WIRES)
def test_2_2_a_later_system_message_stays_in_place(provider: str, client: str) -> None:
    history, _ = sent(client, provider, said(client, "a"), LATE[client], question(client))
    match provider:
        case "chat":
            assert history[2] == {"role": "system", "content": "brief"}
        case "responses":
            assert history[2] == {"type": "message", "role": "developer", "content": [text(provider, "brief")]}
        case _:
            assert history[2][CONTENT[provider]] == [text(provider, REMINDER), text(provider, "q")]


@pytest.mark.parametrize("client", ["chat", "responses", "anthropic"])
@pytest.mark.parametrize("provider", [wire for wire in WIRES if wire != "anthropic"])
def test_2_2_claude_codes_attribution_line_goes_to_anthropic_only(provider: str, client: str) -> None:
    line = "x-anthropic-billing-header: cc_version=2.1.0"
    system = {"chat": {}, "responses": {"instructions": line}, "anthropic": {"system": line}}[client]
    first = [{"role": "system", "content": line}] if client == "chat" else []
    made, _ = converted(client, provider, {**system, HISTORY[client]: [*first, question(client)]})
    assert "billing" not in str(made)
    assert "billing" in str(converted(client, "anthropic", {**system, HISTORY[client]: [*first, question(client)]})[0])


@pairs
def test_2_2_a_history_that_the_assistant_begins(provider: str, client: str) -> None:
    """Anthropic and Gemini want the user first; Gemini the user last, too."""
    made, _ = converted(client, provider, {HISTORY[client]: [said(client, "a"), question(client), said(client, "b")]})
    roles = [message["role"] for message in made[HISTORY[provider]]]
    assert roles == {
        "anthropic": ["user", "assistant", "user", "assistant"],
        "gemini": ["user", "model", "user", "model", "user"],
    }.get(provider, ["assistant", "user", "assistant"])


@pairs
def test_2_2_neighbours_of_one_role_are_merged_where_roles_must_alternate(provider: str, client: str) -> None:
    history, _ = sent(client, provider, question(client))
    if provider in ("anthropic", "gemini"):
        assert history == [user_message(provider, text(provider, "q"), text(provider, "q"))]
    else:
        assert history == [hi(provider), hi(provider)]


# --- 6 ---


@pairs
def test_6_a_call_and_its_result(provider: str, client: str) -> None:
    history, loss = sent(client, provider, *called(client, "c1"), *gave(client, "c1", "42"))
    string = provider in ("chat", "responses")
    assert sent_calls(provider, history) == [("c1", '{"x":1}' if string else {"x": 1})]
    assert sent_results(provider, history) == [("c1", {"output": "42"} if provider == "gemini" else "42")]
    assert loss.dropped == loss.changed == {}


@pairs
@pytest.mark.parametrize("id_", ["toolu_01-A", "call.1|x", "c" * 65])
def test_6_1_an_id_is_legal_and_the_same_on_call_and_result(provider: str, client: str, id_: str) -> None:
    history, _ = sent(client, provider, *called(client, id_), *gave(client, id_, "42"))
    ((call, _),), ((result, _),) = sent_calls(provider, history), sent_results(provider, history)
    assert call == result
    assert len(call) <= 64
    if len(id_) <= 64:
        assert call == ("call_1_x" if provider == "anthropic" and "." in id_ else id_)


BIG = {"n": 123456789012345678901234567890, "f": 1.0, "ü": [True, None]}


@pairs
def test_6_2_arguments_keep_their_numbers_and_their_order(provider: str, client: str) -> None:
    written = '{"n":123456789012345678901234567890,"f":1.0,"ü":[true,null]}'
    items = called(client, "c1", arguments=written, args=BIG)
    ((_, args),) = sent_calls(provider, sent(client, provider, *items, *gave(client, "c1", "42"))[0])
    assert args == (written if provider in ("chat", "responses") else BIG)
    assert provider in ("chat", "responses") or list(args) == list(BIG)


@pytest.mark.parametrize("client", ["chat", "responses"])
@pytest.mark.parametrize("provider", WIRES)
@pytest.mark.parametrize("arguments", ["{oops", "[1]"])
def test_6_2_arguments_that_are_no_object_are_not_lost(provider: str, client: str, arguments: str) -> None:
    items = called(client, "c1", arguments=arguments)
    history, loss = sent(client, provider, *items, *gave(client, "c1", "42"))
    string = provider in ("chat", "responses")
    assert sent_calls(provider, history) == [("c1", arguments if string else {"_raw_arguments": arguments})]
    assert bool(loss.changed) is not string


@pairs
def test_6_3_an_error_says_so(provider: str, client: str) -> None:
    if client in ("chat", "responses"):
        return  # cannot say
    history, _ = sent(client, provider, *called(client, "c1"), *gave(client, "c1", "no", is_error=True))
    told = {"anthropic": ("no", True), "gemini": {"error": "no"}}.get(provider, "Error: no")
    assert sent_results(provider, history) == [("c1", told)]


@pairs
def test_6_3_a_picture_in_a_result(provider: str, client: str) -> None:
    history, _ = sent(client, provider, *called(client, "c1"), *gave(client, "c1", "see", image=True))
    ((_, content),) = sent_results(provider, history)
    match provider:
        case "chat":
            assert content == "see\n[image 1 of call c1]"
            shown = {"type": "image_url", "image_url": {"url": DATA_URL}}
            assert history[-1] == {"role": "user", "content": [shown]}
        case "responses":
            assert content[0] == text(provider, "see")
            assert (content[1]["type"], content[1]["image_url"]) == ("input_image", DATA_URL)
        case "anthropic":
            assert content == gave("anthropic", "c1", "see", image=True)[0]["content"][0]["content"]
        case _:
            assert history[-1] == gave("gemini", "c1", "see", image=True)[0]


@pairs
def test_6_3_a_json_string_stays_the_string_it_is(provider: str, client: str) -> None:
    history, _ = sent(client, provider, *called(client, "c1"), *gave(client, "c1", '{"a": 1.0}'))
    ((_, content),) = sent_results(provider, history)
    assert content == ({"output": '{"a": 1.0}'} if provider == "gemini" else '{"a": 1.0}')


@pytest.mark.parametrize("provider", WIRES)
@pytest.mark.parametrize(
    ("response", "words"), [({"result": "r"}, "r"), ({"a": 1.0, "b": ["ü"]}, '{"a":1.0,"b":["ü"]}')]
)
def test_6_3_a_gemini_clients_response_object(provider: str, response: JsonObject, words: str) -> None:
    answer = {"functionResponse": {"id": "c1", "name": "f", "response": response}}
    history, _ = sent("gemini", provider, *called("gemini", "c1"), {"role": "user", "parts": [answer]})
    ((_, content),) = sent_results(provider, history)
    assert content == ({"output": words} if provider == "gemini" else words)


@pairs
def test_6_3_results_stand_behind_their_calls_in_call_order(provider: str, client: str) -> None:
    """The results in the wrong order, and a user's word between calls and results."""
    results = [*gave(client, "c2", "two"), question(client), *gave(client, "c1", "one")]
    history, _ = sent(client, provider, *called(client, "c1", "c2"), *results)
    assert [id_ for id_, _ in sent_calls(provider, history)] == ["c1", "c2"]
    assert [id_ for id_, _ in sent_results(provider, history)] == ["c1", "c2"]
    if provider in ("anthropic", "gemini"):
        assistant = "model" if provider == "gemini" else "assistant"
        assert [message["role"] for message in history] == ["user", assistant, "user"]
        assert history[2][CONTENT[provider]][-1] == text(provider, "q")
    else:
        assert history[-1] == hi(provider)


@pairs
def test_6_3_a_result_without_call_becomes_text(provider: str, client: str) -> None:
    history, loss = sent(client, provider, *gave(client, "gone", "old"))
    assert sent_results(provider, history) == []
    assert ORPHAN in history[-1][CONTENT[provider]] or text(provider, ORPHAN) in history[-1][CONTENT[provider]]
    assert len(loss.changed) == 1


@pairs
def test_6_3_a_call_without_result_is_given_one(provider: str, client: str) -> None:
    history, loss = sent(client, provider, *called(client, "c1"), question(client))
    told = {"anthropic": (NOT_A_CALL, True), "gemini": {"error": NOT_A_CALL}}.get(provider, f"Error: {NOT_A_CALL}")
    assert sent_results(provider, history) == [("c1", told)]
    assert len(loss.changed) == 1


@pairs
def test_6_3_of_two_results_for_one_call_the_last_counts(provider: str, client: str) -> None:
    items = [*called(client, "c1"), *gave(client, "c1", "old"), *gave(client, "c1", "new")]
    history, _ = sent(client, provider, *items)
    assert sent_results(provider, history) == [("c1", {"output": "new"} if provider == "gemini" else "new")]


@pytest.mark.parametrize("client", ["anthropic", "gemini"])
@pytest.mark.parametrize("provider", WIRES)
def test_6_3_text_behind_a_call_in_one_message(provider: str, client: str) -> None:
    (message,) = called(client, "c1")
    message[CONTENT[client]].insert(0, text(client, "a"))
    message[CONTENT[client]].append(text(client, "b"))
    history, _ = sent(client, provider, message, *gave(client, "c1", "42"))
    if provider == "chat":
        assert (history[1]["content"], len(history[1]["tool_calls"])) == ("ab", 1)
    elif provider == "responses":
        assert [item["type"] for item in history[1:4]] == ["message", "function_call", "message"]
    else:
        kinds = ["text" if "text" in part else "call" for part in history[1][CONTENT[provider]]]
        assert kinds == ["text", "call", "text"]
