"""Reasoning as each class of Claude models takes it, and what must give way to it (conversion rules 7.2)."""

from converters.json_codec import JsonObject
from converters.levels import budget_for, effort_for, nearest
from converters.loss import Loss
from converters.models import Thinking, anthropic_thinking
from converters.turns import Chat, Effort, Reasoning

_MIN_BUDGET = 1024
_MIN_TOP_P = 0.95
_ADAPTIVE: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
_SAMPLING = ("temperature", "top_p", "top_k")
_FORCED = ("any", "tool")


def put_thinking(body: JsonObject, chat: Chat, max_tokens: int, loss: Loss) -> None:
    """Sets `thinking` and `output_config.effort` in a body that has its messages, tool choice and sampling fields, and
    takes out the sampling fields that the model refuses. Each rule is a 400 upstream when broken."""
    kind = anthropic_thinking(chat.model)
    if (reasoning := chat.reasoning) is not None:
        if _is_off(reasoning):
            if kind != "none":
                body["thinking"] = {"type": "disabled"}
                _put_effort(body, reasoning, kind, loss)
        elif kind == "none":
            loss.drop("reasoning", "this model does not reason")
        elif _is_effort_alone(chat, reasoning):
            if not _put_effort(body, reasoning, kind, loss):
                loss.drop("reasoning", "this model knows no levels of effort")
        elif kind == "budget" or (kind == "adaptive" and chat.client == "anthropic" and reasoning.budget is not None):
            _put_budget(body, reasoning, max_tokens, loss)
        else:
            _put_adaptive(body, reasoning, kind, loss)
    _restrict_sampling(body, kind, loss)


def _is_off(reasoning: Reasoning) -> bool:
    if reasoning.mode == "off" or reasoning.effort == "none":
        return True
    return reasoning.effort is None and reasoning.budget is not None and reasoning.budget <= 0


def _is_effort_alone(chat: Chat, reasoning: Reasoning) -> bool:
    """A client of this protocol that named an effort and no thinking gets neither."""
    if chat.client != "anthropic" or reasoning.mode != "manual":
        return False
    return reasoning.budget is None and not reasoning.visible


def _put_effort(body: JsonObject, reasoning: Reasoning, kind: Thinking, loss: Loss) -> bool:
    """False: there is none to send, or the model takes none."""
    effort = reasoning.effort
    if effort is None and reasoning.budget is not None:
        effort = effort_for(reasoning.budget)
    if effort is None or effort == "none" or kind not in ("adaptive_only", "adaptive"):
        return False
    sent = "max" if kind == "adaptive" and effort == "xhigh" else nearest(effort, _ADAPTIVE)
    if sent != effort:
        loss.change("reasoning", f"this model has no `{effort}`, sent as `{sent}`")
    body["output_config"] = {"effort": sent}
    return True


def _put_adaptive(body: JsonObject, reasoning: Reasoning, kind: Thinking, loss: Loss) -> None:
    _put_effort(body, reasoning, kind, loss)
    if _is_forced(body, loss):
        return
    thinking: JsonObject = {"type": "adaptive"}
    if not reasoning.visible:
        thinking["display"] = "omitted"
    elif kind == "adaptive_only":
        thinking["display"] = "summarized"  # these show nothing unless told to
    body["thinking"] = thinking


def _put_budget(body: JsonObject, reasoning: Reasoning, max_tokens: int, loss: Loss) -> None:
    """A client that gave no max_tokens gets the model's limit, so there is always room for a budget."""
    if _is_forced(body, loss):
        return
    if max_tokens <= _MIN_BUDGET:
        loss.drop("reasoning", f"max_tokens {max_tokens} leaves no room for the least budget, {_MIN_BUDGET}")
        return
    if _in_unsigned_tool_loop(body):
        loss.drop("reasoning", "the running tool loop has no thinking that this provider signed")
        return
    wanted = reasoning.budget
    if wanted is None:
        wanted = budget_for(reasoning.effort or ("high" if reasoning.mode == "adaptive" else "medium"))
    budget = min(max(wanted, _MIN_BUDGET), max_tokens - 1)
    if budget != wanted:
        told = loss.note if reasoning.budget is None else loss.change
        told("reasoning", f"the budget must be {_MIN_BUDGET} at least and less than max_tokens")
    thinking: JsonObject = {"type": "enabled", "budget_tokens": budget}
    if not reasoning.visible:
        thinking["display"] = "omitted"
    body["thinking"] = thinking


def _is_forced(body: JsonObject, loss: Loss) -> bool:
    choice = body.get("tool_choice")
    if not isinstance(choice, dict) or choice.get("type") not in _FORCED:
        return False
    loss.drop("reasoning", "thinking and a forced tool choice exclude each other")
    return True


def _in_unsigned_tool_loop(body: JsonObject) -> bool:
    """The last message answers calls of an assistant that has no thinking block: "expected thinking, found tool_use"."""
    messages = body.get("messages")
    if not isinstance(messages, list) or len(messages) < 2:
        return False
    calls, results = _types(messages[-2]), _types(messages[-1])
    return "tool_result" in results and "tool_use" in calls and calls.isdisjoint(("thinking", "redacted_thinking"))


def _types(message: object) -> set[object]:
    content = message.get("content") if isinstance(message, dict) else None
    return {block.get("type") for block in content if isinstance(block, dict)} if isinstance(content, list) else set()


def _restrict_sampling(body: JsonObject, kind: Thinking, loss: Loss) -> None:
    thinking = body.get("thinking")
    thinks = isinstance(thinking, dict) and thinking.get("type") != "disabled"
    if not thinks and kind != "adaptive_only":
        return
    for name in _SAMPLING:
        value = body.get(name)
        if value is None or (kind != "adaptive_only" and _goes_with_thinking(name, value)):
            continue
        del body[name]
        why = "this model takes no sampling parameters" if kind == "adaptive_only" else "not possible with thinking"
        loss.drop(name, why)


def _goes_with_thinking(name: str, value: object) -> bool:
    if name == "top_p":
        return isinstance(value, int | float) and _MIN_TOP_P <= value <= 1
    return name == "temperature" and value == 1
