"""Records as people read them."""

import pytest

from addons.records.transcript import heading, printable, transcript, when
from converters.json_codec import JsonObject

PARTS: list[JsonObject] = [
    {"type": "thinking", "text": "Where is it?", "signature": True},
    {"type": "thinking", "text": ""},
    {"type": "text", "text": "I look."},
    {"type": "tool_call", "id": "c1", "name": "get_weather", "arguments": {"city": "Zürich"}},
    {"type": "tool_call", "id": "c2", "name": "run", "arguments_text": "ls"},
]
RESULTS: list[JsonObject] = [
    {
        "type": "tool_result",
        "id": "c1",
        "name": "get_weather",
        "content": [{"type": "text", "text": "rain"}],
        "error": False,
    },
    {"type": "tool_result", "id": "c2", "content": [{"type": "text", "text": "x" * 5000}], "error": True},
    {"type": "image", "media_type": "image/png", "sha256": "0", "bytes": 12},
    {"type": "document", "url": "https://x/y.pdf", "name": "y"},
    {"type": "document", "media_type": "text/plain", "text": "words"},
    {"type": "hosted", "kind": "web_search", "text": "found"},
]
RECORD: JsonObject = {
    "id": "req_1",
    "began": 1_795_400_000,
    "ended": 1_795_400_002.5,
    "state": "complete",
    "error": "said no",
    "client": {"protocol": "anthropic"},
    "route": {
        "asked": "opus",
        "provider": "claude-custom",
        "target": "claude-opus-5",
        "account": "claude-custom:default",
    },
    "answer": {"status": 200},
    "usage": {"input_tokens": 11, "cache_read_tokens": 5, "output_tokens": 7, "reasoning_tokens": None},
    "stop_reason": "stop",
    "loss": {"dropped": {"top_k": "not there"}, "changed": {}, "noted": {"x": "y"}},
    "conversation": {
        "system": [{"type": "text", "text": "Be brief."}],
        "tools": [{"name": "get_weather"}, {"name": "run"}],
        "messages": [
            {"role": "user", "parts": [{"type": "text", "text": "Weather?"}]},
            {"role": "assistant", "parts": PARTS},
            {"role": "user", "parts": RESULTS},
        ],
        "answer": {
            "role": "assistant",
            "parts": [{"type": "text", "text": "It rains."}, {"type": "refusal", "text": "No."}],
        },
    },
}
END = [
    "(stop: stop, 11 tokens in, 5 from cache, 7 tokens out, 2.50 s)",
    "[error] said no",
    "[dropped] top_k: not there",
    "",
]


def test_a_transcript_says_who_said_what() -> None:
    assert transcript(RECORD).split("\n")[1:] == [
        *("[system]", "Be brief.", "[tools] get_weather, run", "[user]", "Weather?"),
        *("[assistant: thinking]", "Where is it?", "(hidden)", "[assistant]", "I look."),
        *("[assistant: calls get_weather (c1)]", '{"city":"Zürich"}', "[assistant: calls run (c2)]", "ls"),
        *("[tool get_weather (c1)]", "rain", "[tool (c2) failed]", "x" * 5000, "[user]", "(image image/png, 12 bytes)"),
        *("(document y https://x/y.pdf)", "(document:", "  words)", "[user: web_search]", "found"),
        *("[assistant]", "It rains.", "[assistant: refuses]", "No.", *END),
    ]


def test_only_what_is_new_is_shown_where_that_is_asked_for() -> None:
    lines = transcript(RECORD, new_only=True).split("\n")[1:]
    assert lines[:8] == [
        *("[system]", "(9 characters)", "[tools] get_weather, run", "(2 earlier messages)"),
        *("[tool get_weather (c1)]", "rain", "[tool (c2) failed]", "x" * 4000),
    ]
    assert lines[8] == "(1000 more characters)"
    assert lines[-8:] == ["[assistant]", "It rains.", "[assistant: refuses]", "No.", *END]


def test_the_heading_names_the_way() -> None:
    moment = when(1_795_400_000)
    assert (
        heading(RECORD)
        == f"--- {moment} req_1 anthropic opus -> claude-custom/claude-opus-5 (claude-custom:default) 200 complete"
    )
    bare: JsonObject = {
        "id": "req_2",
        "state": "cancelled",
        "client": {"protocol": "chat"},
        "route": {},
        "answer": None,
    }
    assert heading(bare) == "--- - req_2 chat - -> - cancelled"


def test_letters_and_emoji_that_are_joined_stay_so() -> None:
    assert printable("👩‍👧 می‌خواهم") == "👩‍👧 می‌خواهم"


def test_a_record_without_a_conversation_says_why() -> None:
    text = transcript({"id": "x", "state": "failed", "conversation": None, "no_conversation": "not JSON"})
    assert "(no conversation: not JSON)" in text


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x07", "\x9b", "\u2028", "\u202e", "\r"])
def test_what_others_wrote_cannot_move_the_cursor(evil: str) -> None:
    said: JsonObject = {"role": "user", "parts": [{"type": "text", "text": f"a{evil}b\n\tc"}]}
    text = transcript({**RECORD, "conversation": {"system": [], "tools": [], "messages": [said], "answer": None}})
    assert evil not in text
    assert "b\n\tc" in text
    assert printable("é\n\t") == "é\n\t"


PROMPT: JsonObject = {"mode": "append", "text": "Ours.", "replacements": [{"old": "a", "new": "b"}]}
SPOKEN: JsonObject = {
    "system": [{"type": "text", "text": "Theirs."}],
    "tools": [],
    "messages": [{"role": "user", "parts": [{"type": "text", "text": "Hi"}]}, {"role": "assistant", "parts": []}],
    "answer": None,
}


def test_the_operators_prompt_is_told_apart_from_the_clients() -> None:
    record: JsonObject = RECORD | {"conversation": SPOKEN, "system_prompt": PROMPT}
    told = transcript(record)
    assert '[system]\nTheirs.\n[the operator\'s system prompt: append]\nOurs.\n"a" -> "b"\n' in told
    brief = transcript(record, new_only=True)
    assert "[the operator's system prompt: append]\n(5 characters)\n" in brief
    assert "Ours." not in brief


@pytest.mark.parametrize("prompt", [None, PROMPT | {"text": {"ref": "sha256:0"}, "replacements": []}])
def test_of_an_operators_prompt_that_is_not_there_nothing_is_made_up(prompt: JsonObject | None) -> None:
    told = transcript(RECORD | {"conversation": SPOKEN, "system_prompt": prompt})
    assert ("operator" in told) is (prompt is not None)
    assert "sha256" not in told
