"""Top-level fields that only the client's own protocol has, on their way to a provider of another one (rules 10 and 17)."""

from converters.errors import ConversionError
from converters.json_codec import Json
from converters.loss import Loss
from converters.turns import Chat

# Nobody will miss them in an answer: logged only.
_BOOKKEEPING = frozenset(
    "metadata labels store stream_options prompt_cache_options prompt_cache_retention safetySettings safety_identifier"
    " betas include truncation client_metadata".split()
)
# Names of what is kept elsewhere: only the provider that keeps it could tell what they mean.
_UNRESOLVABLE = frozenset("previous_response_id conversation prompt background cachedContent thread".split())
# The Anthropic SDK asks for a thread unless told not to (its tool runner does), and at this word sends the whole history.
_CODES = {"thread": "thread_unsupported_request"}


def leave_out_foreign(chat: Chat, loss: Loss, title: str) -> None:
    """Notes or names what is left out. title: of the provider's protocol.

    Raises ConversionError for what would change the answer unnoticed: references that cannot be resolved, spoken answers.
    """
    for name, value in chat.native.items():
        if name in _UNRESOLVABLE and value:
            message = f"`{name}` refers to what only the provider of the client's protocol holds"
            raise ConversionError(message, param=name, code=_CODES.get(name, "unsupported_parameter"))
        if name == "modalities" and _speaks(value):
            raise ConversionError(f"{title} gives no spoken answers", param=name, code="unsupported_parameter")
        if name in _BOOKKEEPING:
            loss.note(name, "bookkeeping of the client's protocol")
        else:
            loss.drop(name, f"{title} has no such field")


def _speaks(modalities: Json) -> bool:
    return isinstance(modalities, list) and any(isinstance(m, str) and m.lower() == "audio" for m in modalities)
