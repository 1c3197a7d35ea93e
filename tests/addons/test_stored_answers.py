"""Which account keeps an answer."""

from pathlib import Path
from typing import Any

import pytest

from addons import stored_answers
from addons.exchange import Exchange
from addons.providers import catalogue
from addons.providers.base import Action
from addons.routing import Match
from addons.shared_table import SharedTable
from addons.stored_answers import StoredAnswers, referred
from converters.wires import WIRES
from tests.addons.legs_rig import call, live, settings
from tests.addons.pool_rig import asked, member, rig_of

RESPONSES = "openaiResponses-custom"
ANSWER = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
}


def exchange(client: str = "responses", answer_id: str | None = None, **more: Any) -> Exchange:
    made = Exchange(Match(Action.GENERATE, client), WIRES[client], {}, settings())
    made.turn_to(catalogue()[RESPONSES], member("a", RESPONSES).account, "m")
    made.answer_id = answer_id
    for name, value in more.items():
        setattr(made, name, value)
    return made


def about(id_: str) -> Exchange:
    return exchange(body={"previous_response_id": id_})


@pytest.mark.parametrize(
    ("match", "body", "id_"),
    [
        (Match(Action.GENERATE, "responses"), {"previous_response_id": "resp_1"}, "resp_1"),
        (Match(Action.GENERATE, "responses"), {"previous_response_id": None}, ""),
        (Match(Action.GENERATE, "responses"), {"previous_response_id": 5}, ""),
        (Match(Action.GENERATE, "responses"), {}, ""),
        (Match(Action.COMPACT, "responses"), {"previous_response_id": "resp_1"}, "resp_1"),
        (Match(Action.GENERATE, "chat"), {"previous_response_id": "resp_1"}, ""),
        (Match(Action.STORED, "responses", name="resp_1"), {}, "resp_1"),
        (Match(Action.STORED, "responses", name="resp_1/input_items"), {}, "resp_1"),
        (Match(Action.STORED, "responses"), {}, ""),
    ],
)
def test_the_answer_that_a_request_is_about(match: Match, body: dict[str, Any], id_: str) -> None:
    made = Exchange(match, WIRES[match.protocol], {}, settings())
    made.body = body
    assert referred(made) == id_


def test_an_answer_is_looked_for_at_the_account_that_gave_it() -> None:
    stored = StoredAnswers()
    stored.note(exchange(answer_id="resp_1"))
    assert stored.label_for(about("resp_1")) == f"{RESPONSES}:a"
    assert stored.label_for(about("resp_2")) == ""
    assert stored.label_for(exchange()) == ""


@pytest.mark.parametrize(
    "made",
    [
        exchange("chat", "resp_1"),
        exchange(answer_id="resp_1", bypass=False),  # converted: its id is ours, and nobody keeps it
        exchange(),
        exchange(answer_id="resp_1", account=None),
    ],
    ids=["another protocol", "converted", "no id", "no account"],
)
def test_what_nobody_will_refer_to_is_not_kept(made: Exchange) -> None:
    stored = StoredAnswers()
    stored.note(made)
    assert stored.label_for(about("resp_1")) == ""


def test_only_the_latest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_answers, "MOST", 10)
    stored = StoredAnswers()
    for number in range(10):
        stored.note(exchange(answer_id=f"resp_{number}"))
    stored.note(exchange(answer_id="resp_0"))
    stored.note(exchange(answer_id="resp_new"))
    assert [bool(stored.label_for(about(f"resp_{name}"))) for name in ("0", "1", "2", "new")] == [
        True,
        False,
        True,
        True,
    ]


async def test_the_next_turn_goes_to_the_account_of_the_last_one() -> None:
    """Though another account comes first."""
    rig = rig_of(member("a", RESPONSES, concurrency=1), member("b", RESPONSES, priority=1))
    busy = await rig.ask(call("/v1/responses", {"model": "m", "input": "x"}))
    first = await rig.ask(call("/v1/responses", {"model": "m", "input": "Hi"}))
    await rig.answer(first, ANSWER)
    await rig.answer(busy, ANSWER | {"id": "resp_0"})
    for path, body in (
        ("/v1/responses", {"model": "m", "input": "More", "previous_response_id": "resp_1"}),
        ("/v1/responses/resp_1", None),
    ):
        flow = await rig.ask(call(path, body))
        assert (asked(flow), live(flow).claim.pinned) == (["b"], f"{RESPONSES}:b")
    assert asked(await rig.ask(call("/v1/responses/resp_0"))) == ["a"]


def test_what_one_process_notes_another_knows(tmp_path: Path) -> None:
    one, other = (StoredAnswers(SharedTable(tmp_path / "file", 10)) for _ in range(2))
    one.note(exchange(answer_id="resp_1"))
    assert other.label_for(about("resp_1")) == f"{RESPONSES}:a"
    assert other.label_for(about("resp_2")) == other.label_for(exchange(body={})) == ""
