"""The body that a provider gets: built through the hub, or the client's own bytes with the least edit."""

from collections.abc import Callable

from addons.exchange import Exchange, fresh_id
from addons.fetch import fetch_all
from addons.providers.base import Action
from converters.counting import count_body, to_count_request
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject, dumps, loads
from converters.memory import Observer, ReasoningMemory
from converters.prepare import prepare
from converters.splice import remove_member, set_items, set_member
from converters.strip import holds_envelopes, strip_envelopes
from converters.system_prompt import system_with_prompt, with_system_prompt
from converters.turns import Chat, Reasoning, remote_documents
from converters.wire import Ask, ProviderWire

type Now = Callable[[], float]  # unix seconds

_SHOWS_ALL_THINKING = ("chat", "responses")  # 7.3


def parsed(exchange: Exchange, now: Now) -> Chat:
    """The client's request, for the model its provider is asked for. Sets `exchange.ask`. Raises ConversionError."""
    counting = exchange.match.action is Action.COUNT
    body = count_body(exchange.wire.name, exchange.body) if counting else exchange.body
    chat = exchange.wire.parse_request(body, exchange.loss)
    if exchange.prompt is not None:
        chat.system = system_with_prompt(chat.system, exchange.prompt)
    exchange.ask = Ask(
        model=exchange.model,
        new_id=fresh_id,
        now=lambda: int(now()),
        include_usage=chat.want_usage,
        show_thinking=exchange.wire.name in _SHOWS_ALL_THINKING or _is_shown(chat.reasoning),
        request=_repeated(exchange),
        unwrap=chat.format is not None and chat.format.unwrap,
    )
    chat.model = exchange.target_model
    return chat


async def converted(exchange: Exchange, wire: ProviderWire, memory: ReasoningMemory, now: Now) -> bytes | None:
    """Cross-protocol: through the hub. None for a counting call that the provider's protocol does not have."""
    chat = parsed(exchange, now)
    limits = wire.limits
    remote = remote_documents(
        chat, documents=not limits.document_urls, images=not limits.image_urls, own=limits.own_urls
    )
    if remote:
        await fetch_all(remote, frozenset(exchange.settings.fetch_hosts))
    profile = exchange.profile
    prepared = prepare(chat, wire, profile, exchange.loss, memory)
    exchange.loss.refuse_if_strict(exchange.settings.strict_conversion)
    if exchange.match.action is Action.COUNT:
        counting = to_count_request(wire.name, prepared.body, exchange.target_model)
        return None if counting is None else dumps(counting)
    exchange.chat, exchange.restore = chat, prepared.restore
    exchange.chat_is_asked = not remote and exchange.prompt is None
    exchange.observer = Observer(memory)
    return dumps(prepared.body)


def as_sent(exchange: Exchange, wire: ProviderWire, now: Now) -> bytes:
    """Same protocol: the client's bytes, but for the operator's system prompt, the model's name, fields the account rejects and
    reasoning tokens of ours."""
    raw, body = _with_prompt(exchange)
    # Needed when the provider answers in one body what should have been a stream, and for the error event of a cut one.
    exchange.ask = Ask(
        exchange.model,
        fresh_id,
        lambda: int(now()),
        include_usage=_wants_usage(exchange.body),
        request=_repeated(exchange),
    )
    if wire.name == "gemini":
        raw = _counted(exchange, raw, body) if exchange.match.action is Action.COUNT else raw
    elif exchange.target_model != exchange.model:
        raw = set_member(raw, "model", exchange.target_model)
    profile = exchange.profile
    for name in sorted(profile.rejected & exchange.body.keys()):
        raw = remove_member(raw, name)
        exchange.loss.drop(name, "the account's provider rejects it")
    if holds_envelopes(wire.name, raw):
        held = loads(raw)
        if isinstance(held, dict) and strip_envelopes(wire.name, held, exchange.target_model):
            raw = dumps(held)
    exchange.loss.refuse_if_strict(exchange.settings.strict_conversion)
    return raw


def _with_prompt(exchange: Exchange) -> tuple[bytes, JsonObject]:
    """The client's bytes and what they say, with the operator's system prompt put in. Everything else stays as it is written."""
    raw, body = exchange.raw, exchange.body
    if exchange.prompt is None:
        return raw, body
    changed = with_system_prompt(exchange.wire.name, body, exchange.prompt)
    for name, value in changed.items():
        before = body.get(name)
        if isinstance(before, list) and isinstance(value, list):
            raw = set_items(raw, name, before, value)
        else:
            raw = set_member(raw, name, value)
    return raw, body | changed


def _counted(exchange: Exchange, raw: bytes, body: JsonObject) -> bytes:
    """Gemini: a counting call may name the model a second time, and takes a system prompt only inside a whole request."""
    whole = body.keys() & {"generateContentRequest", "generate_content_request"}
    prompted = body.keys() & {"systemInstruction", "system_instruction"}
    if not (prompted or (whole and exchange.target_model != exchange.model)):
        return raw
    return dumps(to_count_request("gemini", count_body("gemini", body), exchange.target_model))


def refuse_crossing(exchange: Exchange) -> ConversionError:
    """For what only a provider of the client's own protocol has."""
    what = {
        Action.COMPACT: "compacting is done by a Responses provider; summarise the conversation with POST /v1/responses",
        Action.STORED: "nothing is stored here: stored answers are kept by a Responses provider",
    }
    name = exchange.provider.name if exchange.provider else "this provider"
    return ConversionError(
        f"{name} speaks another protocol, and {what[exchange.match.action]}",
        status=404 if exchange.match.action is Action.STORED else 400,
        code="unsupported_call",
    )


def _repeated(exchange: Exchange) -> JsonObject:
    """What an answer may repeat of its request, and the tools that it declares. Not the conversation: it would live as long as
    the answer's writer does."""
    if exchange.wire.name != "responses":
        return {}
    items = exchange.body.get("input")
    listed = items if isinstance(items, list) else []
    tools: list[Json] = [item for item in listed if isinstance(item, dict) and item.get("type") == "additional_tools"]
    return {**exchange.body, "input": tools}


def _is_shown(reasoning: Reasoning | None) -> bool:
    return reasoning is not None and reasoning.mode != "off" and reasoning.visible


def _wants_usage(body: JsonObject) -> bool:
    """Chat: the usage chunk is sent to those who ask for it."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True
