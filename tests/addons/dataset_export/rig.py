"""Examples for tests of formats."""

from collections import Counter
from typing import Any

from addons.dataset_export.example import Example, Losses, Options, example
from addons.dataset_export.facts import facts_of
from addons.dataset_export.formats.base import Format
from tests.addons.dataset_export.talk import READ, Message, assistant, call, record, result, thinking, user

TOOL_LOOP: list[Message] = [
    user("Read a and b."),
    assistant(thinking("Both at once."), "Looking.", call("read", "c1", path="a"), call("read", "c2", path="b")),
    user(result("one", "c1"), result("two", "c2", error=True), "Hurry."),
]
ANSWER = assistant(thinking("I see."), "One and two.")


def made(
    messages: list[Message] | None = None,
    answer: Message | None = None,
    *,
    rejected: Message | None = None,
    **more: Any,
) -> Example:
    """By default a loop of parallel calls whose first turn another row teaches."""
    more = {"system": "Be brief.", "tools": [READ]} | more
    one = record("1", TOOL_LOOP if messages is None else messages, answer or ANSWER, **more)
    assistants = sum(message["role"] == "assistant" for message in one["conversation"]["messages"])
    pair = ((answer or ANSWER)["parts"], rejected["parts"]) if rejected else None
    return example(one, facts_of(one), "00ff", [([], False)] * assistants, pair=pair)


def written(format_: Format, one: Example, **options: Any) -> tuple[dict[str, Any], Losses]:
    losses: Losses = Counter()
    row = format_.write(one, Options(**options), losses)
    assert row is not None
    return row, losses
