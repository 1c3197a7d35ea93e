"""How much a model shall reason, and what it refuses while it does (conversion tables 7.1 and 9).

Source: OpenAI guide "Reasoning models" (read 2026-11).
"""

import re

from converters.json_codec import JsonObject
from converters.levels import effort_for, nearest
from converters.loss import Loss
from converters.models import openai_is_reasoning
from converters.turns import Effort, Reasoning

_NOT_REASONING = re.compile(r"(gpt-3|gpt-4|chatgpt)")
_EFFORTS: tuple[tuple[re.Pattern[str], tuple[Effort, ...]], ...] = (
    (re.compile(r"o\d"), ("low", "medium", "high")),
    (re.compile(r"gpt-5(-|$)"), ("minimal", "low", "medium", "high")),
    (re.compile(r"gpt-5\.1(-|$)"), ("none", "low", "medium", "high")),
)
_SAMPLING = ("temperature", "top_p")
_ENCRYPTED = "reasoning.encrypted_content"


def put_reasoning(body: JsonObject, model: str, reasoning: Reasoning | None, loss: Loss) -> None:
    """Sets `reasoning` and, where there can be any, asks for it encrypted: nothing is stored, so the next turn must bring it.
    Models known not to reason answer 400 to both."""
    bare = model.lower().rsplit("/", 1)[-1]
    if _NOT_REASONING.match(bare):
        if reasoning is not None and _effort(reasoning) != "none":
            loss.drop("reasoning", "this model does not reason")
        return
    include(body, _ENCRYPTED)
    sent = None
    if reasoning is not None:
        sent = _sent_effort(bare, _effort(reasoning), loss)
        asked: JsonObject = {} if sent is None else {"effort": sent}
        if sent != "none" and reasoning.visible:
            asked["summary"] = "auto"
        if asked:
            body["reasoning"] = asked
    if openai_is_reasoning(model) and sent != "none":
        _drop_sampling(body, loss)


def include(body: JsonObject, name: str) -> None:
    names = body.setdefault("include", [])
    if isinstance(names, list) and name not in names:
        names.append(name)


def _effort(reasoning: Reasoning) -> Effort | None:
    """The level asked for, from a number if need be; None: as much as the model likes."""
    if reasoning.mode == "off":
        return "none"
    if reasoning.effort is None and reasoning.budget is not None:
        return effort_for(reasoning.budget)
    return reasoning.effort


def _sent_effort(bare: str, effort: Effort | None, loss: Loss) -> Effort | None:
    if effort is None:
        return None
    allowed = next((levels for pattern, levels in _EFFORTS if pattern.match(bare)), (effort,))
    sent = nearest(effort, allowed)
    if sent != effort:
        loss.change("reasoning_effort", f"this model has no `{effort}`, sent as `{sent}`")
    return sent


def _drop_sampling(body: JsonObject, loss: Loss) -> None:
    """OpenAI's models answer 400 to any of these while they reason. 1 is what they work with."""
    for name in _SAMPLING:
        if body.pop(name, 1) != 1:
            loss.drop(name, "this model cannot be tuned so while it reasons")
