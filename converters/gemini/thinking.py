"""Reasoning as each generation of Gemini takes it (conversion table 7.1): a level or a budget, never both."""

from converters.gemini.models import Model, gemini_model
from converters.json_codec import JsonObject
from converters.levels import budget_for, effort_for, nearest
from converters.loss import Loss
from converters.turns import Chat, Effort, Reasoning

_DYNAMIC = -1


def build_thinking(chat: Chat, loss: Loss) -> JsonObject:
    """`thinkingConfig`; {} when there is nothing to say."""
    reasoning = chat.reasoning
    if reasoning is None:
        return {}
    model = gemini_model(chat.model)
    off = _is_off(reasoning)
    if not model.levels and model.budget is None:
        if not off:
            loss.drop("reasoning", "this model does not reason")
        return {}
    thinking: JsonObject = {}
    if model.levels:
        if (level := _level(reasoning, off, model, loss)) is not None:
            thinking["thinkingLevel"] = level.upper()
    elif (budget := _budget(reasoning, off, model, loss)) is not None:
        thinking["thinkingBudget"] = budget
    if reasoning.visible and not off:
        thinking["includeThoughts"] = True
    return thinking


def _is_off(reasoning: Reasoning) -> bool:
    if reasoning.mode == "off" or reasoning.effort == "none":
        return True
    return reasoning.effort is None and reasoning.budget is not None and reasoning.budget <= 0


def _level(reasoning: Reasoning, off: bool, model: Model, loss: Loss) -> Effort | None:
    effort: Effort | None = "none" if off else reasoning.effort
    if effort is None and reasoning.budget is not None:
        effort = effort_for(reasoning.budget)
    if effort is None:
        return None
    sent = nearest(effort, model.levels)
    if sent != effort and reasoning.effort is not None:
        loss.change("reasoning", f"this model has no `{effort}`, sent as `{sent}`")
    return sent


def _budget(reasoning: Reasoning, off: bool, model: Model, loss: Loss) -> int | None:
    assert model.budget is not None
    least, most = model.budget
    if off:
        if not model.can_stop:
            loss.change("reasoning", f"this model cannot stop reasoning: the budget is {least}")
        return 0 if model.can_stop else least
    wanted = reasoning.budget
    if wanted is None and reasoning.effort is not None:
        wanted = budget_for(reasoning.effort)
    if wanted is None:
        return _DYNAMIC if reasoning.mode == "adaptive" else None
    budget = min(max(wanted, least), most)
    if budget != wanted and reasoning.budget is not None:
        loss.change("reasoning", f"the budget must be from {least} to {most}")
    return budget
