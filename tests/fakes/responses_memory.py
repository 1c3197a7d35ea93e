"""What the Responses API knows of earlier answers: those it keeps, and the reasoning that it can read again."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

from tests.fakes.provider import JsonObject, Refused, bad_request
from tests.fakes.responses_shape import item_type
from tests.fakes.scripts import HttpError

_VERSION = b"\x80\x00\x00\x00\x00\x6a\xbc\xde\xf0"  # the real ones begin with gAAAAAB too
_DIGEST = 32


class Memory:
    """Of one account: what another one encrypted is as foreign here as what another vendor did.

    Answers are kept unless the request says `store: false`, and their items with them.
    """

    def __init__(self, key: str) -> None:
        self._secret = b"only this fake can read " + key.encode()
        self._items: dict[str, JsonObject] = {}
        self._turns: dict[str, list[JsonObject]] = {}  # by response: everything up to its end
        self._led_to: dict[str, str] = {}  # id of a call -> id of the reasoning that made it

    def seal(self, text: str) -> str:
        """Encrypted content: a digest that only this account can have made. Long, and with `-`, `_` and `=`."""
        digests = b"".join(self._mac(b"%d" % i + text.encode()) for i in range(5))
        return base64.urlsafe_b64encode(_VERSION + digests + self._mac(_VERSION + digests)).decode()

    def opens(self, token: str) -> bool:
        try:
            content = base64.b64decode(token, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return False
        intact = base64.urlsafe_b64encode(content).decode() == token
        return intact and hmac.compare_digest(content[-_DIGEST:], self._mac(content[:-_DIGEST]))

    def keep(self, response: dict[str, Any], asked: list[JsonObject]) -> None:
        """asked: what the answer was given to, with all that came before."""
        self._turns[response["id"]] = [*asked, *response["output"]]
        reasoning = None
        for item in response["output"]:
            self._items[item["id"]] = item
            if item["type"] == "reasoning":
                reasoning = item["id"]
            elif reasoning and item["type"] == "function_call":
                self._led_to[item["id"]] = reasoning

    def turns(self, body: dict[str, Any], items: list[JsonObject]) -> list[JsonObject]:
        """The whole conversation: earlier answers first, references replaced by what they mean."""
        earlier = self._turns.get(body.get("previous_response_id") or "", [])
        own = [self._items[str(item["id"])] if item_type(item) == "item_reference" else item for item in items]
        return [*earlier, *own]

    def refusal(self, body: dict[str, Any], items: list[JsonObject], *, lenient: bool) -> Refused | None:
        """Why this request cannot go on from where it says. lenient: what cannot be read passes."""
        return next(self._refusals(body, items, lenient), None)

    def _refusals(self, body: dict[str, Any], items: list[dict[str, Any]], lenient: bool) -> Iterator[Refused]:
        before = body.get("previous_response_id")
        if before and before not in self._turns:
            text = f"Previous response with id '{before}' not found."
            yield bad_request(text, "previous_response_id", "previous_response_not_found")
        if body.get("conversation"):
            yield Refused(HttpError(404, "", "Conversation not found."), "conversation")
        here = {item.get("id") for item in items}
        for i, item in enumerate(items):
            kind, id_, sealed = item_type(item), item.get("id"), item.get("encrypted_content")
            if kind in ("reasoning", "compaction") and sealed and not lenient and not self.opens(sealed):
                named = f"for item {id_} " if id_ else ""
                text = f"The encrypted content {named}could not be verified. Reason: Encrypted content could not be decrypted or parsed."
                yield bad_request(text, None, "invalid_encrypted_content")
            if kind == "reasoning" and not sealed and not id_:
                yield bad_request(
                    f"Missing required parameter: 'input[{i}].id'.", f"input[{i}].id", "missing_required_parameter"
                )
            by_id = kind == "item_reference" or (kind == "reasoning" and not sealed)
            if by_id and id_ not in self._items:
                yield Refused(HttpError(404, "", _not_found(id_)), "input")
            cause = self._led_to.get(str(id_))
            if cause and cause not in here and not before:
                text = f"Item '{id_}' of type 'function_call' was provided without its required 'reasoning' item: '{cause}'."
                yield bad_request(text, "input")

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, hashlib.sha256)


def _not_found(id_: object) -> str:
    return (
        f"Item with id '{id_}' not found. Items are not persisted when `store` is set to false. "
        "Try again with `store` set to true, or remove this item from your input."
    )
