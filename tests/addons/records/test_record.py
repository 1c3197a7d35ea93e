"""Records: the published shape, exact bytes back, and nothing secret on disk."""

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from addons.providers import catalogue
from addons.records.bodies import read_answer, read_body, read_chunks
from addons.records.facts import Facts
from addons.records.fold import read_chat
from addons.records.objects import Objects
from addons.records.reader import Records
from addons.redact import Redactor
from converters.collect import replay
from converters.events import Answer, AnswerCall, AnswerText, Finish, StreamEvent, Usage
from converters.json_codec import Json, JsonObject, loads
from converters.loss import Loss
from converters.profile import DEFAULT
from converters.restore import Restore
from converters.system_prompt import SystemPrompt
from converters.wires import WIRES
from tests.addons.records import samples
from tests.addons.records.samples import (
    ANTHROPIC_STREAM,
    BEGAN,
    anthropic_body,
    attempt,
    exchange,
    listened,
    made,
    maker,
    streamed,
)

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs" / "record.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CANARY = "Zq7CANARY4tW"
PROMPT = SystemPrompt("append", "Ours.", (("old", "new"),))
PICTURE = base64.b64encode(bytes(range(256)) * 8).decode()


def lost() -> Loss:
    loss = Loss()
    loss.drop("top_k", "not there")
    loss.change("temperature", "clamped")
    loss.note("cache", "kept")
    return loss


def with_picture(**more: object) -> Facts:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}
    body = anthropic_body(messages=[{"role": "user", "content": [image, {"type": "text", "text": "what?"}]}])
    return exchange(body=body, attempts=[attempt(body, samples.whole_answer())], **more)


CASES: dict[str, Callable[[], Facts]] = {
    "a whole answer": exchange,
    "a stream": streamed,
    "a stream that was cut": lambda: streamed(ANTHROPIC_STREAM[:3], state="cut", error="the provider broke off"),
    "no answer at all": lambda: exchange(
        status=None, answer=b"", answer_headers=(), state="cancelled", error="client disconnected", attempts=[]
    ),
    "failover": lambda: exchange(
        attempts=[
            attempt(anthropic_body(), b'{"type":"error"}', status=529),
            attempt(anthropic_body(), status=None),
            attempt(anthropic_body(), samples.whole_answer()),
        ]
    ),
    "a refusal of ours": lambda: exchange(
        attempts=[], provider=None, account="", target="", served=None, status=401, state="failed", error="no", body=b""
    ),
    "a body that is no JSON": lambda: exchange(body=b"\xff{", attempts=[], status=400, state="failed"),
    "a list of models": lambda: exchange(
        action="models", generates=False, method="GET", body=b"", attempts=[], answer=b'{"data":[]}'
    ),
    "losses and a query": lambda: exchange(loss=lost(), query={"beta": "true"}, why="a route", named="claude-custom"),
    "a picture": with_picture,
    "a prompt of the operator's": lambda: exchange(prompt=PROMPT, attempts=[attempt(anthropic_body(), prompt=PROMPT)]),
    "a long one, and an attempt without": lambda: exchange(
        prompt=replace(PROMPT, text="Ours. " * 100),
        attempts=[attempt(anthropic_body()), attempt(anthropic_body(), prompt=replace(PROMPT, text="Ours. " * 100))],
    ),
    "usage in full": lambda: exchange(usage=Usage(10, 4, 3, 20, 5)),
}


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Facts:
    return CASES[request.param]()


def test_every_record_has_the_published_shape(case: Facts, tmp_path: Path) -> None:
    line = maker(tmp_path).line(case)
    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")
    assert list(VALIDATOR.iter_errors(json.loads(line))) == []


def test_a_record_read_back_has_the_published_shape_too(case: Facts, tmp_path: Path) -> None:
    (tmp_path / "2026-11-23.jsonl").write_bytes(maker(tmp_path).line(case))
    (record,) = Records(tmp_path).each()
    assert list(VALIDATOR.iter_errors(record)) == []


@pytest.mark.parametrize(
    "change", [{"state": "done"}, {"schema": "aiclient.record/2"}, {"extra": 1}, {"id": "x"}], ids=str
)
def test_the_schema_refuses_other_shapes(change: JsonObject, tmp_path: Path) -> None:
    record = made(maker(tmp_path), exchange()) | change
    assert list(VALIDATOR.iter_errors(record))


def test_bodies_come_back_to_the_byte(case: Facts, tmp_path: Path) -> None:
    """What was redacted stays so; all else is what was sent, through references, repeated bodies and chunks."""
    record_maker = maker(tmp_path, media=True)
    record = made(record_maker, case)
    get = Objects(tmp_path / "objects").get
    request = record["request"]
    assert isinstance(request, dict)
    assert case.body == read_body(record, request["body"], get)
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    for own, told in zip(case.attempts, attempts, strict=True):
        assert isinstance(told, dict)
        asked, answer = told["request"], told["answer"]
        assert isinstance(asked, dict)
        assert own.body == read_body(record, asked["body"], get)
        if isinstance(answer, dict):
            assert (own.answer or b"".join(data for _, data in own.chunks)) == read_answer(record, answer, get)
    answer = record["answer"]
    if isinstance(answer, dict):
        assert (case.answer or b"".join(data for _, data in case.chunks)) == read_answer(record, answer, get)


def test_chunks_keep_their_cuts_and_times(tmp_path: Path) -> None:
    """Also where one cuts a character."""
    text = b"".join(ANTHROPIC_STREAM).replace(b"ns.", "nß.".encode())
    at = text.index("ß".encode()) + 1
    chunks = [text[:5], text[5:at], text[at:]]
    record = made(maker(tmp_path), streamed(chunks))
    get = Objects(tmp_path / "objects").get
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    first = attempts[0]
    assert isinstance(first, dict)
    upstream, answer = first["answer"], record["answer"]
    assert isinstance(upstream, dict)
    assert isinstance(answer, dict)
    written = upstream["chunks"]
    assert isinstance(written, list)
    assert isinstance(written[1], list)
    assert isinstance(written[1][1], dict)  # base64: no text by itself
    assert read_chunks(record, written, get) == [(0.09, chunks[0]), (0.19, chunks[1]), (0.29, chunks[2])]
    assert isinstance(answer["chunks"], dict)  # not written twice
    assert read_chunks(record, answer["chunks"], get) == [(0.2, chunks[0]), (0.3, chunks[1]), (0.4, chunks[2])]


def test_what_all_requests_repeat_is_stored_once(tmp_path: Path) -> None:
    record_maker = maker(tmp_path)
    first, second = (record_maker.line(exchange(n)) for n in (1, 2))
    stored = list((tmp_path / "objects").rglob("*.json"))
    assert b"The weather in a city" not in first + second
    assert b"Be brief" not in first + second
    assert len(stored) == 4  # tools and system prompt, as they were sent and in the conversation's shape
    assert {path.stat().st_mode & 0o777 for path in stored} == {0o600}


def test_the_conversation_is_the_hubs(tmp_path: Path) -> None:
    record = made(maker(tmp_path), streamed())
    (tmp_path / "2026-11-23.jsonl").write_bytes(json.dumps(record).encode() + b"\n")
    (whole,) = Records(tmp_path).each()
    talk = whole["conversation"]
    assert isinstance(talk, dict)
    system, tools = talk["system"], talk["tools"]
    assert system == [{"type": "text", "text": "Be brief. " * 80}]
    assert isinstance(tools, list)
    assert isinstance(tools[0], dict)
    assert tools[0]["name"] == "get_weather"
    assert talk["messages"] == [{"role": "user", "parts": [{"type": "text", "text": "Weather in Zürich?"}]}]
    assert talk["answer"] == {"role": "assistant", "parts": [{"type": "text", "text": "It rains."}]}


def test_an_answer_that_was_cut_keeps_what_came(tmp_path: Path) -> None:
    talk = made(maker(tmp_path), streamed(ANTHROPIC_STREAM[:3], state="cut"))["conversation"]
    assert isinstance(talk, dict)
    assert talk["answer"] == {"role": "assistant", "parts": [{"type": "text", "text": "It rai"}]}


def test_a_provider_of_another_protocol_is_read_in_its_own_and_named_in_the_clients(tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather_1", "arguments": '{"city":"Oslo"}'}}
    answer = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": None, "tool_calls": [call]},
                "finish_reason": "tool_calls",
            }
        ],
    }
    facts = exchange(
        provider=catalogue()["openai-custom"],
        restore=Restore({"get_weather_1": "get_weather"}),
        attempts=[attempt(b'{"model":"m"}', json.dumps(answer).encode(), wire="chat")],
    )
    talk = made(maker(tmp_path), facts)["conversation"]
    assert isinstance(talk, dict)
    part = {"type": "tool_call", "id": "c1", "name": "get_weather", "arguments": {"city": "Oslo"}}
    assert talk["answer"] == {"role": "assistant", "parts": [part]}


def test_an_answer_made_here_is_read_in_the_clients_protocol(tmp_path: Path) -> None:
    talk = made(maker(tmp_path), exchange(attempts=[], provider=None))["conversation"]
    assert isinstance(talk, dict)
    assert talk["answer"] == {"role": "assistant", "parts": [{"type": "text", "text": "It rains."}]}


def test_a_request_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    record = made(maker(tmp_path), exchange(body=b'{"model": 5}', attempts=[], status=400))
    assert record["conversation"] is None
    assert "could not be read" in str(record["no_conversation"])


def test_what_a_path_says_belongs_to_the_request(tmp_path: Path) -> None:
    """Gemini's body names no model."""
    body = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
    said: JsonObject = {"model": "gemini-x", "stream": False}
    record = made(
        maker(tmp_path), exchange(wire=WIRES["gemini"], body=body, said=said, attempts=[], provider=None, answer=b"{}")
    )
    talk = record["conversation"]
    assert isinstance(talk, dict)
    assert talk["messages"] == [{"role": "user", "parts": [{"type": "text", "text": "hi"}]}]


def test_a_compressed_answer_is_kept_plain(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(ANTHROPIC_STREAM))
    own = attempt(anthropic_body(stream=True), chunks=[packed[:20], packed[20:]])
    own.answer_headers = [(b"content-type", b"text/event-stream"), (b"content-encoding", b"gzip")]
    record = made(maker(tmp_path), streamed(attempts=[own]))
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    assert isinstance(attempts[0], dict)
    assert b"".join(ANTHROPIC_STREAM) == read_answer(record, attempts[0]["answer"], Objects(tmp_path / "objects").get)
    talk = record["conversation"]
    assert isinstance(talk, dict)
    assert isinstance(talk["answer"], dict)


def test_the_clients_word_for_the_conversation_is_hashed_with_a_salt(tmp_path: Path) -> None:
    first, again = (made(maker(tmp_path), exchange())["thread"] for _ in range(2))
    other = made(maker(tmp_path), exchange(thread="session-2"))["thread"]
    assert first == again != other
    assert "session" not in str(first)


# --- pictures and files ---


def test_pictures_are_named_by_hash_and_size(tmp_path: Path) -> None:
    line = maker(tmp_path).line(with_picture())
    assert PICTURE.encode() not in line
    assert b"[omitted:image/png 2048 bytes sha256:" in line
    assert b'{"type":"image","media_type":"image/png","sha256":' in line


def test_pictures_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    line = maker(tmp_path, media=True).line(with_picture())
    assert line.count(PICTURE.encode()) == 2  # as sent, and in the conversation


def test_a_file_as_a_whole_body_is_left_out(tmp_path: Path) -> None:
    record = made(
        maker(tmp_path), exchange(body=b"\x89PNG", headers=[("content-type", "image/png")], attempts=[], status=400)
    )
    request = record["request"]
    assert isinstance(request, dict)
    assert isinstance(request["body"], dict)
    assert request["body"]["omitted"] == {
        "sha256": "0f4636c78f65d3639ece5a064b5ae753e3408614a14fb18ab4d7540d2c248543",
        "bytes": 4,
        "type": "image/png",
    }


@pytest.mark.parametrize(("size", "form"), [(4_000_000, "text"), (5_000_000, "omitted")], ids=str)
def test_a_huge_body_that_nobody_could_read_is_left_out(size: int, form: str, tmp_path: Path) -> None:
    record = made(maker(tmp_path), exchange(body=b". " * (size // 2), attempts=[], status=400))
    request = record["request"]
    assert isinstance(request, dict)
    assert isinstance(request["body"], dict)
    assert list(request["body"]) == [form]


# --- what the maker remembers of earlier records ---


def agent_calls() -> list[Facts]:
    """An agent's calls: each repeats all of the conversation; then another agent, an edit, and a secret that turns up."""
    filler = 'some "quoted" text with a line\\n' * 300
    said = [{"role": role, "content": f"{n} ü {filler}"} for n in range(3) for role in ("user", "assistant")]
    calls = []
    for n in range(6):
        call = {"type": "tool_use", "id": f"c{n}", "name": "get_weather", "input": {"n": [1, 1.0, True][n % 3]}}
        result = {"type": "tool_result", "tool_use_id": f"c{n}", "content": f"rain {n}"}
        said += [{"role": "user", "content": f"turn {n}"}, {"role": "assistant", "content": [call]}]
        said += [{"role": "user", "content": [result]}]
        calls.append(anthropic_body(messages=said))
        if n == 2:
            said = [dict(each) for each in said]
            said[1]["content"] = f"another answer {filler}"
        if n == 3:
            said[0] = {"role": "user", "content": f"my key is sk-ant-{CANARY}-abcdefgh {filler}"}
        if n == 4:
            said[-2] = {"role": "assistant", "content": [{**call, "input": {"n": True}}]}
    return [exchange(n, body=body, attempts=[attempt(body, samples.whole_answer())]) for n, body in enumerate(calls)]


def test_what_is_remembered_makes_no_difference(tmp_path: Path) -> None:
    """Nor does what is kept as an object: with its history and its bodies put together a record is the same."""
    one, records = maker(tmp_path), Records(tmp_path)
    for call in agent_calls():
        fresh, later = (made(record_maker, call) for record_maker in (maker(tmp_path), one))
        assert records.request_body(fresh) == records.request_body(later)
        for record in (fresh, later):
            assert list(VALIDATOR.iter_errors(record)) == []
            del record["request"]["body"]  # type: ignore[union-attr, call-overload, index]
        assert records.resolved(fresh) == records.resolved(later)


def test_a_secret_that_comes_up_later_goes_from_what_is_remembered_too(tmp_path: Path) -> None:
    *_, last = calls = agent_calls()[:3]
    record_maker = maker(tmp_path, Redactor())
    lines = [record_maker.line(call) for call in calls]
    assert all(b"text with a line" in line for line in lines)
    line = record_maker.line(replace(last, secrets=('some "quoted" text',)))
    assert b"[redacted:known] with a line" in line
    assert b"text with a line" not in line


def test_what_was_read_for_the_exchange_is_not_read_again(tmp_path: Path) -> None:
    """The request in the hub, and the provider's answer: the same record as from the bytes."""
    for facts in (exchange(), streamed(), streamed(ANTHROPIC_STREAM[:3], state="cut"), with_picture()):
        made_of = facts.attempts[0]
        wire = WIRES["anthropic"]
        events: list[StreamEvent] = []
        if made_of.chunks:
            reader = wire.stream_reader(DEFAULT, None)
            for _, data in made_of.chunks:
                events += reader.feed(data)
        else:
            body = loads(made_of.answer)
            assert isinstance(body, dict)
            events += wire.read_answer(body, DEFAULT)
        known = replace(facts, chat=read_chat(facts), heard=listened(events))
        assert maker(tmp_path).line(facts) == maker(tmp_path).line(known)
        other = Answer(parts=[AnswerText("heard")], finish=Finish("stop"))
        assert b'"text":"heard"' in maker(tmp_path).line(replace(known, heard=listened(replay(other))))
        renamed = Answer(parts=[AnswerCall("c1", "short", "{}")], finish=Finish("tool_calls"))
        restored = replace(known, heard=listened(replay(renamed)), restore=Restore({"short": "the_clients_own_name"}))
        assert b'"the_clients_own_name"' in maker(tmp_path).line(restored)


# --- secrets ---


def everywhere() -> Facts:
    """One exchange with a canary wherever one could be."""
    key, own = f"sk-ant-{CANARY}-abcdefgh", f"own-{CANARY}"
    tools = [
        {
            "name": "t",
            "description": f"use {key}" + " really" * 100,
            "input_schema": {"type": "object", "default": {"password": CANARY}},
        }
    ]
    messages = [
        {"role": "user", "content": f"my key is {key}, see https://h/x?key={CANARY} and {own}"},
        {
            "role": "assistant",
            "content": [
                {
                    "type": "tool_use",
                    "id": "c1",
                    "name": "t",
                    "input": {"api_key": CANARY, "cmd": f"X_TOKEN={CANARY} run"},
                }
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": json.dumps({"token": CANARY})}],
        },
    ]
    body = anthropic_body(
        system=f"Bearer {CANARY}. " + "Be brief. " * 80,
        tools=tools,
        messages=messages,
        mcp_servers=[{"type": "url", "url": f"https://u:{CANARY}@h", "name": "m", "authorization_token": CANARY}],
    )
    text = f"your key is {key} and ours {own}, bye"
    pieces = [text[n : n + 4] for n in range(0, len(text), 4)]
    delta = 'event: content_block_delta\ndata: {{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{}"}}}}\n\n'
    stream = b"".join(
        [*ANTHROPIC_STREAM[:2], *(delta.format(piece).encode() for piece in pieces), *ANTHROPIC_STREAM[4:]]
    )
    chunks = [stream[n : n + 61] for n in range(0, len(stream), 61)]
    headers = [
        (b"authorization", f"Bearer {CANARY}".encode()),
        (b"x-api-key", CANARY.encode()),
        (b"cookie", CANARY.encode()),
        (b"referer", f"https://h/?token={CANARY}".encode()),
    ]
    first = attempt(body, f'{{"error":"bad key {own}"}}'.encode(), status=529)
    first.reason, first.headers, first.url = f"bad key {own}", headers, f"https://h/v1?key={CANARY}"
    second = attempt(body, chunks=chunks)
    second.answer_headers = [(b"content-type", b"text/event-stream"), (b"set-cookie", CANARY.encode())]
    return exchange(
        body=body,
        headers=[(name.decode(), value.decode()) for name, value in headers],
        query={"key": CANARY, "x": own},
        path=f"/v1/{key}",
        agent=f"agent {own}",
        asked=f"model-{own}",
        thread=own,
        attempts=[first, second],
        answer=b"",
        chunks=[(BEGAN + n, chunk) for n, chunk in enumerate(chunks)],
        answer_headers=[(b"x-note", own.encode())],
        error=f"said {own}",
        secrets=(own,),
        loss=lost(),
    )


def test_no_secret_reaches_the_disk(tmp_path: Path) -> None:
    record_maker = maker(tmp_path, Redactor())
    line = record_maker.line(everywhere())
    assert list(VALIDATOR.iter_errors(json.loads(line))) == []
    stored = b"".join(path.read_bytes() for path in (tmp_path / "objects").rglob("*.json"))
    assert stored
    record, get = json.loads(line), Objects(tmp_path / "objects").get
    streams = [read_answer(record, leg["answer"], get) for leg in (*record["attempts"], record) if leg["answer"]]
    for data in (line, stored, *streams):
        assert CANARY.encode() not in data
    for answer in (record["attempts"][1]["answer"], record["answer"]):  # nor in pieces, put together again
        texts = [
            json.loads(event.partition("data: ")[2])["delta"]["text"]
            for event in read_answer(record, answer, get).decode().split("\n\n")
            if '"text_delta"' in event
        ]
        assert "".join(texts) == "your key is [redacted:key] and ours [redacted:known], bye"


def test_the_canaries_would_be_found(tmp_path: Path) -> None:
    """Without redaction of shapes they are all there: the test above can fail."""
    line = maker(tmp_path, Redactor(shapes=False)).line(everywhere())
    assert line.count(CANARY.encode()) > 10


@pytest.mark.parametrize("value", [None, 5, "text", ["a"]], ids=str)
def test_clean_json_keeps_what_holds_no_secret(value: Json, tmp_path: Path) -> None:
    record_maker = maker(tmp_path)
    assert [loads(record_maker.clean({"x": value}, "kind")) for _ in range(2)] == [{"x": value}] * 2


def test_the_operators_prompt_stands_beside_the_clients_own(tmp_path: Path) -> None:
    """A long text is stored once, for all the records that it is in. An attempt says what it was sent only where it was another."""
    written: Json = {"mode": "append", "text": "Ours.", "replacements": [{"old": "old", "new": "new"}]}
    record = made(maker(tmp_path), CASES["a prompt of the operator's"]())
    assert record["system_prompt"] == written
    assert [each.get("system_prompt", "as above") for each in record["attempts"]] == ["as above"]  # type: ignore[union-attr]
    assert made(maker(tmp_path), exchange())["system_prompt"] is None

    (tmp_path / "2026-11-23.jsonl").write_bytes(maker(tmp_path).line(CASES["a long one, and an attempt without"]()))
    (plain,) = Records(tmp_path).each(resolve=False)
    assert plain["system_prompt"]["text"].keys() == {"ref"}  # type: ignore[call-overload, index, union-attr]
    (found,) = Records(tmp_path).each()
    assert found["system_prompt"] == written | {"text": "Ours. " * 100}  # type: ignore[operator]
    assert [each.get("system_prompt", "as above") for each in found["attempts"]] == [None, "as above"]  # type: ignore[union-attr]
    assert found["conversation"]["system"] == [{"type": "text", "text": "Be brief. " * 80}]  # type: ignore[call-overload, index]


def test_no_secret_of_the_operators_prompt_is_written(tmp_path: Path) -> None:
    key = "sk-proj-" + "Z9y8X7w6" * 6
    prompt = SystemPrompt("append", f"Use {key}. " * 50, ((key, "x"),))
    line = maker(tmp_path).line(exchange(prompt=prompt, attempts=[attempt(b"{}")]))
    files = [path.read_bytes() for path in tmp_path.rglob("*.json")]
    assert key.encode() not in b"".join([line, *files])
    assert b"[redacted:" in line
