"""Reasoning, as Kiro can be asked for it (conversion tables 7.1 and 18.1).

The service's own field exists for few models. Its other clients ask in words at the head of the system text, and the model
answers in words: that changes the user's prompt, so it takes both the client's wish and the account's setting.
"""

from converters.json_codec import JsonObject
from converters.kiro.models import effort_field
from converters.levels import budget_for, effort_for, nearest
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat, Effort, Reasoning

_BUDGET = (1024, 24576)
_EFFORTS: tuple[Effort, ...] = ("low", "medium", "high")
_NATIVE_EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
_DEFAULT: Effort = "high"  # of adaptive thinking, where Anthropic's own default is the same


def wants_thinking(chat: Chat) -> bool:
    """The client asked for reasoning and did not ask for none of it."""
    wanted = chat.reasoning
    if wanted is None or wanted.mode == "off" or wanted.effort == "none":
        return False
    return wanted.effort is not None or wanted.budget is None or wanted.budget > 0


def writes_tags(chat: Chat, profile: Profile) -> bool:
    """The model is asked to think in tags, and its answer will begin with them."""
    return profile.thinking == "tags" and wants_thinking(chat)


def thinking_prefix(chat: Chat, profile: Profile) -> str:
    """What heads the system text; "" for nothing."""
    wanted = chat.reasoning
    if wanted is None or not writes_tags(chat, profile):
        return ""
    if wanted.mode == "adaptive":
        effort = nearest(wanted.effort or _DEFAULT, _EFFORTS)
        return f"<thinking_mode>adaptive</thinking_mode><thinking_effort>{effort}</thinking_effort>"
    return f"<thinking_mode>enabled</thinking_mode><max_thinking_length>{_budget(wanted)}</max_thinking_length>"


def effort_fields(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
    """`additionalModelRequestFields`, {} when there is nothing to say. A wish that nothing can carry is named as lost."""
    wanted = chat.reasoning
    if wanted is None or profile.thinking == "tags" or not wants_thinking(chat):
        return {}
    holder = effort_field(chat.model)
    if holder is None or profile.thinking == "off":
        loss.drop("reasoning", "Kiro has no field for it with this model, and the account does not ask for it in words")
        return {}
    effort = wanted.effort
    if effort is None and wanted.budget is not None:
        effort = effort_for(wanted.budget)
    return {holder: {"effort": nearest(effort, _NATIVE_EFFORTS)}} if effort is not None else {}


def _budget(wanted: Reasoning) -> int:
    least, most = _BUDGET
    budget = wanted.budget if wanted.budget is not None else budget_for(wanted.effort or "medium")
    return min(max(budget, least), most)
