"""`thoughtSignature`: Gemini's own token, or another provider's inside it (conversion rules 7.4).

The field is bytes to Google's libraries, which decode it and encode it again, some of them in the URL-safe alphabet: an
envelope travels base64-encoded once more, a token of Gemini's own as it came.
"""

import base64
from typing import Literal

from converters.envelope import MARK, open_envelope, seal
from converters.turns import Token

PLACEHOLDER = "skip_thought_signature_validator"  # Google's documented stand-in for a call that has no signature
_STANDARD = str.maketrans("-_", "+/")


def standard_base64(text: str) -> str:
    """The same bytes in the standard alphabet, padded."""
    plain = text.translate(_STANDARD).rstrip("=")
    return plain + "=" * (-len(plain) % 4)


def read_signature(signature: str, at: Literal["call", "text", "thought"]) -> Token:
    text = signature
    if not text.startswith(MARK):
        try:
            text = base64.b64decode(standard_base64(signature), validate=True).decode("ascii")
        except ValueError:  # binascii.Error and UnicodeDecodeError are ones
            text = ""
    return open_envelope(text) or Token("g", signature, at)


def write_signature(token: Token | None) -> str | None:
    """None where there is nothing to carry."""
    if token is None or token.origin == "n":
        return None
    return token.value if token.origin == "g" else base64.b64encode(seal(token).encode()).decode()
