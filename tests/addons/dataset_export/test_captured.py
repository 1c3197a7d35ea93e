"""Stitching of what real clients sent: requests captured from agents, one folder for each client and protocol.

They are not part of this repository: AICLIENT_TEST_CAPTURES names the folder, CLIENT@PROTOCOL/SCENARIO-NUMBER.json in it. What an agent
sent next shows what it was answered; a call that nothing follows gets an answer of its own.
"""

import json
import os
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest

from addons.dataset_export.plan import by_branch
from addons.dataset_export.stitch import Stitched
from addons.records.conversation import conversation
from converters.errors import ConversionError
from converters.loss import Loss
from converters.wires import WIRES
from tests.addons.dataset_export.talk import Message, Record, assistant, call, record, thinking

FOLDER = Path(os.environ.get("AICLIENT_TEST_CAPTURES") or "nowhere")
CLIENTS = sorted(path.name for path in FOLDER.glob("*@*"))
NAMES = {"openai": "chat", "qwen": "chat"}
pytestmark = pytest.mark.skipif(not CLIENTS, reason="AICLIENT_TEST_CAPTURES names no folder of captured requests")


def talks(client: str) -> dict[str, dict[str, Any]]:
    """The conversations that a client sent, by the names of their files."""
    protocol = client.partition("@")[2]
    wire = WIRES.get(NAMES.get(protocol, protocol))
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((FOLDER / client).glob("*.json")):
        body = json.loads(path.read_text()).get("body")
        if wire is None or not isinstance(body, dict):
            continue
        body.setdefault("model", "m")  # Gemini has it in the path
        try:
            found[path.stem] = dict(conversation(wire.parse_request(body, Loss()), None))
        except ConversionError:
            continue  # one that is not about a conversation
    return found


def followers(calls: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Which call goes on from which: by number and length, not by what is said."""
    return {
        name: later
        for name in calls
        if (later := f"{name.partition('-')[0]}-{int(name.rpartition('-')[2]) + 1:03}") in calls
        and name.startswith(("read", "plain"))
        and len(calls[later]["messages"]) > len(calls[name]["messages"])
    }


def records_of(client: str) -> list[Record]:
    calls = talks(client)
    next_of = followers(calls)
    made = []
    for number, (name, talk) in enumerate(calls.items()):
        answer = assistant(f"Answer to {client} {name}.")
        if name in next_of:
            answer = as_answered(calls[next_of[name]]["messages"][len(talk["messages"]) :])
        one = record(f"{client}/{name}", talk["messages"], answer, agent=client, began=1.0 + number)
        one["conversation"] |= {"system": talk["system"], "tools": talk["tools"]}
        made.append(one)
    return made


def as_answered(rest: list[Message]) -> Message:
    """The assistant's next turn as it came from the provider: with reasoning, and ids that the client need not have kept."""
    first = next(message for message in rest if message["role"] == "assistant")
    parts = [part for part in first["parts"] if part["type"] != "thinking"]
    changed = [part | {"id": f"provider-{n}"} if part["type"] == "tool_call" else part for n, part in enumerate(parts)]
    return assistant(thinking("Weighing."), *changed)


def stitched(records: list[Record]) -> Stitched:
    made = Stitched()
    for one in records:
        made.add(one)
    return made


@pytest.mark.parametrize("client", CLIENTS)
def test_every_turn_of_a_client_comes_out_once_and_below_the_one_it_goes_on_from(client: str) -> None:
    records = records_of(client)
    if not records:
        pytest.skip("no conversations of a protocol that is served here")
    made = stitched(records)
    assert [turn.facts.id for turn in made.turns] == [one["id"] for one in records]
    above = {
        turn.facts.id: [before.facts.id for node in turn.path[:-1] for before in node.turns] for turn in made.turns
    }
    for name, later in followers(talks(client)).items():
        assert f"{client}/{name}" in above[f"{client}/{later}"]


def test_clients_that_work_at_the_same_time_do_not_mix() -> None:
    mixed = [one for one in chain(*zip_longest(*map(records_of, CLIENTS))) if one]
    made = stitched(mixed)
    assert [turn.facts.id for turn in made.turns] == [one["id"] for one in mixed]
    plan = by_branch(made.turns)
    taught = [turn.facts.id for end in plan.ends.values() for turn, learn in plan.path(end) if learn and turn]
    assert sorted([*taught, *plan.ends]) == sorted(one["id"] for one in mixed)


def test_there_are_conversations_of_several_turns_in_every_protocol() -> None:
    """The tests above would pass on clients that ask once."""
    joined = {client.partition("@")[2] for client in CLIENTS if followers(talks(client))}
    assert joined >= {"anthropic", "gemini", "openai", "responses"}


def test_a_turn_that_the_client_sent_back_otherwise_would_be_noticed() -> None:
    client = next(client for client in CLIENTS if followers(talks(client)))
    records = records_of(client)
    name = next(iter(followers(talks(client))))
    changed = next(one for one in records if one["id"] == f"{client}/{name}")
    changed["conversation"]["answer"]["parts"].append(call("something_else"))
    made = stitched(records)
    later = next(turn for turn in made.turns if turn.facts.id == f"{client}/{followers(talks(client))[name]}")
    assert changed["id"] not in [before.facts.id for node in later.path for before in node.turns]
