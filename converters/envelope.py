"""The envelope that carries one provider's reasoning token through a client of another protocol (conversion rules 7.4).

`aic1.` + origin + `.` + base64url of `{"v": token, "at": part kind, "id": item id}`, ASCII only, without padding.
Not a secret and not signed: it holds what the provider handed out for the client to keep.
"""

import base64

from converters.json_codec import JsonObject, dumps, loads
from converters.turns import Token

MARK = "aic1."


def seal(token: Token) -> str:
    """The envelope's text. A token of origin n is a mark without payload."""
    if token.origin == "n":
        return f"{MARK}n."
    payload: JsonObject = {"v": token.value, "at": token.at}
    if token.id is not None:
        payload["id"] = token.id
    return f"{MARK}{token.origin}." + base64.urlsafe_b64encode(dumps(payload)).decode().rstrip("=")


def open_envelope(text: str) -> Token | None:
    """The token inside; None when `text` is not an envelope. A damaged one is a mark without payload: it is still ours,
    and must not reach a provider as if it were a token of its own."""
    if not text.startswith(MARK):
        return None
    origin, _, payload = text.removeprefix(MARK).partition(".")
    try:
        packed = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars="-_", validate=True)
        content = loads(packed)
    except ValueError:  # binascii.Error is one
        return Token("n", "")
    match origin, content:
        case "a" | "x" | "r" | "g" | "k", {"v": str(value), "at": "call" | "text" | "thought" as at, **rest}:
            id_ = rest.get("id")
            return Token(origin, value, at, id_ if isinstance(id_, str) else None)
    return Token("n", "")
