"""The client's leg: who may call, what is asked, in which protocol. Everything that can be refused by the head is refused there."""

import logging
import re
from collections.abc import Callable, Collection, Mapping
from urllib.parse import parse_qsl

from mitmproxy.connection import Client, ConnectionState
from mitmproxy.http import Headers, HTTPFlow, Response

from addons.client_key import check, is_loopback, presented_keys
from addons.code_assist_ingress import code_assist_call, disclosed, handshake
from addons.exchange import Exchange, fresh_id
from addons.places import Places
from addons.providers import catalogue
from addons.providers.base import Action
from addons.providers.gemini_cli_oauth import GeminiCliOAuth
from addons.routing import Match, match, protocol_of, split_provider
from addons.settings import Settings
from converters.errors import ConversionError, Failure, Kind, UpstreamError, failure_of
from converters.inflate import inflate
from converters.json_codec import JsonObject, dumps, loads
from converters.json_depth import DEEPEST, deeper_than
from converters.wires import WIRES

log = logging.getLogger("aiclient")

# Never seen again after the head was checked: not in the flow, so not in mitmweb, dumps, HAR or replays.
# `api-key` and the like are other vendors' ways: they open nothing here, and a key may stand in them all the same.
_CREDENTIAL_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "proxy-authorization", "cookie")
_STORED = re.compile(
    r"[\w-]+(?:/[a-z_]+)?", re.ASCII
)  # an id becomes part of an upstream path, and what is asked of it
_LONG = 16  # bytes of a key that is looked for everywhere
_KEY_IN_QUERY = re.compile(rb"(?<=[?&])(?:api[-_]?)?key=[^&]*&?", re.IGNORECASE)
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:@/\[\]]+))(?::\d*)?")  # [::1]:3000, localhost:3000, localhost
_CORS_METHODS = "GET, POST, DELETE, OPTIONS"
_CORS_HEADERS = (
    "authorization, content-type, x-api-key, x-goog-api-key, x-goog-api-client, anthropic-version, anthropic-beta, "
    "model-provider"
)
_NO_PROTOCOL = WIRES["chat"]

# Forward modes: the hosts a client may believe it talks to. Nothing is forwarded there: the request takes the same way as any.
FORWARD_HOSTS = frozenset({"api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com"})
_WITH_BODY = (Action.GENERATE, Action.COUNT, Action.COMPACT, Action.HANDSHAKE)
_STATUS_OF_CODING = {"unsupported_coding": 415, "too_large": 413}


class ClientLeg:
    """Checks Host, Origin and key, finds the route, reads the body.

    settings, key: read anew for each request, so that a changed option counts from the next one on.
    """

    def __init__(self, settings: Callable[[], Settings], key: Callable[[], bytes]) -> None:
        self._settings = settings
        self._key = key
        self._places = Places()  # of requests that were let in and are not over

    def requestheaders(self, flow: HTTPFlow) -> None:
        if not flow.live:
            return  # read from a file, to be looked at
        settings = self._settings()
        request = flow.request
        target, _, query = request.data.path.partition(b"?")
        path = target.decode("ascii", "backslashreplace")
        pairs = list(request.headers.fields)
        headers = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in pairs}
        secret = _credentials_among(pairs, self._key())
        self._hide_credentials(flow, secret)
        if flow.error:
            return  # malformed: mitmproxy answers it
        google_key = "x-goog-api-key" in headers or b"key=" in query
        protocol = protocol_of(path, headers, google_key)
        exchange = Exchange(Match(Action.QUIET), WIRES[protocol], _without(secret, headers), settings)
        exchange.quiet = False
        asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        exchange.query = {name: value for name, value in asked if name != "key"}
        exchange.attach(flow)
        try:
            self._admit(exchange, flow, headers, presented_keys(pairs, query), path)
        except ConversionError as error:
            exchange.refuse(flow, failure_of(error))
        except Exception:  # mitmproxy would log it and send the request on
            log.exception("%s: cannot check the request head", exchange.id)
            exchange.refuse(flow, Failure(500, f"aiclient failed on this request; its log names {exchange.id}"))

    def error(self, flow: HTTPFlow) -> None:
        """The other end of a flow: the client left, or gets nothing."""
        self._places.give_back(flow.client_conn.id, flow.id)

    def client_disconnected(self, client: Client) -> None:
        self._places.left(client.id)

    def response(self, flow: HTTPFlow) -> None:
        """HEAD is answered by the head alone: mitmproxy would send content, and the client take it for its next answer."""
        self._places.give_back(flow.client_conn.id, flow.id)
        if flow.request.method == "HEAD" and flow.response is not None and Exchange.of(flow) is not None:
            flow.response.data.content = b""

    def _admit(
        self, exchange: Exchange, flow: HTTPFlow, headers: Mapping[str, str], keys: list[bytes], path: str
    ) -> None:
        """Raises ConversionError with the status to answer; sets flow.response where the answer is known already."""
        settings = exchange.settings
        _check_host(flow, headers, settings)
        if (origin := headers.get("origin")) is not None:
            if origin.lower() not in settings.cors_origins:
                raise ConversionError(
                    f"origin {origin[:100]!r} is not allowed: add it to cors_origins if you trust it",
                    status=403,
                    code="origin_not_allowed",
                )
            exchange.origin = origin
            if flow.request.method == "OPTIONS":
                flow.response = _preflight(exchange)
                return
        key = self._key()
        allowed = any([check(shown, key) for shown in keys])  # noqa: C419  # a list: all are compared, whichever is right
        providers = list(catalogue())
        try:
            found = _match(exchange, flow.request.method, path, providers)
        except ConversionError:
            _require(allowed)
            _refuse_upgrade(headers)
            raise
        exchange.match = found
        exchange.quiet = found.action in (Action.QUIET, Action.HEALTH, Action.HANDSHAKE)
        if found.protocol:
            exchange.wire = WIRES[found.protocol]
        exchange.array = found.stream and exchange.query.get("alt") != "sse" and exchange.code_assist is None
        if found.action is Action.QUIET:
            flow.response = exchange.answer(200, b"" if flow.request.method == "HEAD" else b"{}")
        elif found.action is Action.HEALTH and not allowed:
            flow.response = exchange.answer(200, dumps({"status": "ok"}))
        else:
            _require(allowed)
            _refuse_upgrade(headers)
            _check_size(headers, settings)
            if settings.concurrent_requests and self._places.taken >= settings.concurrent_requests:
                exchange.refuse(flow, _overloaded(settings))
            elif flow.client_conn.state is not ConnectionState.CLOSED:  # else nobody would ever give it back
                self._places.take(flow.client_conn.id, flow.id)

    def http_connect(self, flow: HTTPFlow) -> None:
        """Forward mode: a tunnel is opened to ourselves, and only in the name of an API whose protocol we speak."""
        if flow.request.host.lower() not in FORWARD_HOSTS:
            message = f"aiclient is no open proxy: it stands in for {', '.join(sorted(FORWARD_HOSTS))} only"
            flow.response = Response.make(403, framework_error("", 403, message), {"content-type": "application/json"})

    def request(self, flow: HTTPFlow) -> None:
        """The body is here: read it."""
        exchange = Exchange.of(flow)
        if exchange is None or flow.response or exchange.match.action not in _WITH_BODY:
            return
        try:
            self._read(exchange, flow)
            if exchange.match.action is Action.HANDSHAKE and exchange.code_assist is not None:
                answer = handshake(exchange.code_assist.method, exchange.body, GeminiCliOAuth.models)
                flow.response = exchange.answer(200, dumps(answer))
        except ConversionError as error:
            exchange.refuse(flow, failure_of(error))

    def _read(self, exchange: Exchange, flow: HTTPFlow) -> None:
        raw = flow.request.raw_content or b""
        coding = exchange.request_headers.get("content-encoding", "")
        try:
            exchange.raw = inflate(raw, coding, exchange.settings.body_limit_bytes)
        except UpstreamError as error:
            status = _STATUS_OF_CODING.get(error.code or "", 400)
            raise ConversionError(str(error), param="content-encoding", status=status) from error
        if exchange.match.action is Action.HANDSHAKE:
            exchange.body = _object(exchange.raw or b"{}", exchange.settings)
            return
        body = _object(exchange.raw, exchange.settings)
        if (call := exchange.code_assist) is not None:
            plain = disclosed(call, body)
            exchange.raw, exchange.thread = plain.body, plain.session_id
            body = _object(plain.body, exchange.settings) | {"model": plain.model, "stream": call.stream}
        elif exchange.wire.name == "gemini":  # its path says what the others' bodies say
            assert exchange.match.name is not None
            body |= {"model": exchange.match.name.removeprefix("models/"), "stream": exchange.match.stream}
        exchange.body, exchange.model = body, _model(body, exchange.settings)
        stream = body.get("stream")
        if stream is not None and not isinstance(stream, bool):
            raise ConversionError("stream: must be true or false", param="stream", code="invalid_type")
        exchange.stream = bool(stream) and exchange.match.action is Action.GENERATE

    def _hide_credentials(self, flow: HTTPFlow, names: Collection[str]) -> None:
        for name in names:
            flow.request.headers.pop(name, None)
        if _is_long(key := self._key()) and key in flow.request.data.path:
            flow.request.data.path = flow.request.data.path.replace(key, b"")
        if b"key=" in flow.request.data.path.lower():
            flow.request.data.path = _KEY_IN_QUERY.sub(b"", flow.request.data.path).rstrip(b"?&")


def _match(exchange: Exchange, method: str, path: str, providers: list[str]) -> Match:
    """Raises ConversionError for a path or method that does not exist."""
    provider, rest = split_provider(path, providers)
    exchange.code_assist = call = code_assist_call(method, rest)
    if call is None:
        found = match(method, path, providers)
        if found.action is Action.STORED and not _STORED.fullmatch(found.name or ""):
            raise ConversionError("there is no such stored answer", status=404, code="not_found")
        return found
    action = Action.HANDSHAKE if call.action is Action.QUIET else call.action
    return Match(action, "gemini", provider, call.method, call.stream)


def _object(raw: bytes, settings: Settings) -> JsonObject:
    levels = settings.json_depth
    try:
        body = loads(raw)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise _too_deep(levels) from error
        raise ConversionError(f"the request body is not valid JSON: {error}", code="invalid_json") from error
    # The parser itself stops at the deepest that can be set; and few brackets cannot be deep.
    if levels < DEEPEST and raw.count(b"[") + raw.count(b"{") > levels and deeper_than(body, levels):
        raise _too_deep(levels)
    if not isinstance(body, dict):
        raise ConversionError("the request body must be a JSON object", code="invalid_json")
    return body


def _too_deep(levels: int) -> ConversionError:
    return ConversionError(
        f"the JSON of the request body is nested deeper than {levels} levels (json_depth)", code="invalid_json"
    )


def _overloaded(settings: Settings) -> Failure:
    message = f"{settings.concurrent_requests} requests are under way, and no more are taken (concurrent_requests)"
    return Failure(503, message, code="overloaded", retry_after=1.0, kind=Kind.OVERLOADED)


def _model(body: JsonObject, settings: Settings) -> str:
    """The model's name; `default` where the client names none and somebody has set one."""
    model = body.get("model")
    if model in (None, "") and settings.default_models.table:
        body["model"] = model = "default"
    if not isinstance(model, str) or not model:
        raise ConversionError("model: a non-empty string is required", param="model", code="missing_required_parameter")
    return model


def _refuse_upgrade(headers: Mapping[str, str]) -> None:
    """Codex tries a WebSocket where it was told of one, and on this status asks by POST at once. On 404, 405, 501 or 503 it
    tries seven times first, which takes six seconds; on 400 it gives up (0.169)."""
    if headers.get("upgrade", "").lower() == "websocket":
        raise ConversionError(
            "there are no WebSockets here: send the request with POST (Codex: supports_websockets = false)",
            status=426,
            code="websocket_not_supported",
        )


def _credentials_among(fields: Collection[tuple[bytes, bytes]], key: bytes) -> set[str]:
    """Lower-case names of header fields that are made for credentials, or hold our key whatever they are called."""
    holding = [name for name, value in fields if key in value] if _is_long(key) else ()
    return {*_CREDENTIAL_HEADERS, *(name.lower().decode("latin-1") for name in holding)} - {"host"}


def _is_long(key: bytes) -> bool:
    """A short one may be a part of anything."""
    return len(key) >= _LONG


def _without(names: Collection[str], headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}


def _require(allowed: bool) -> None:
    if not allowed:
        raise ConversionError(
            "the client key is missing or wrong: send it as `Authorization: Bearer KEY`, `x-api-key: KEY` or "
            "`x-goog-api-key: KEY` (`aiclient key` tells where it is kept)",
            status=401,
            code="invalid_api_key",
        )


def _check_host(flow: HTTPFlow, headers: Mapping[str, str], settings: Settings) -> None:
    """A page in a browser can point a name of its own at our address (DNS rebinding): only names we know are served."""
    host = (flow.request.host_header or "").strip().lower()
    name = "".join(found.groups("")) if (found := _HOST.fullmatch(host)) else host
    bound = settings.host.lower()
    if is_loopback(name) or name == bound or name in (h.lower() for h in settings.allowed_hosts):
        return
    if name in FORWARD_HOSTS and not _is_reverse(flow):
        return
    if name and name == flow.client_conn.sockname[0].lower():
        return  # called by the very address it came in on: no name that could point elsewhere is involved
    raise ConversionError(
        f"host {name[:100]!r} is not served here: call 127.0.0.1 or localhost, or add the name to allowed_hosts",
        status=403,
        code="host_not_allowed",
    )


def _is_reverse(flow: HTTPFlow) -> bool:
    return flow.client_conn.proxy_mode.type_name == "reverse"


def _check_size(headers: Mapping[str, str], settings: Settings) -> None:
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > settings.body_limit_bytes):
        raise ConversionError(
            f"the request body of {length} bytes is over the limit of {settings.body_limit} (body_limit)", status=413
        )


def _preflight(exchange: Exchange) -> Response:
    headers = Headers()
    exchange.stamp(headers)
    headers["access-control-allow-methods"] = _CORS_METHODS
    headers["access-control-allow-headers"] = _CORS_HEADERS
    headers["access-control-max-age"] = "600"
    response = Response.make(204, b"", headers)
    del response.headers["content-length"]  # a 204 has none
    return response


def framework_error(path: str, status: int, message: str) -> bytes:
    """The body of an error that mitmproxy itself answers with, in the protocol that the path looks like."""
    wire = WIRES[protocol_of(path, {})] if path else _NO_PROTOCOL
    return dumps(wire.write_error(Failure(status, message), "req_" + fresh_id())[1])
