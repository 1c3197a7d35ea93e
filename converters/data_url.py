"""`data:` URLs, which both OpenAI protocols use for every inline file (RFC 2397)."""

import base64
import binascii
from urllib.parse import unquote, unquote_to_bytes

from converters.fields import malformed
from converters.turns import Base64

_ALIASES = {"image/jpg": "image/jpeg"}  # a common slip that strict providers refuse


def is_data_url(url: str) -> bool:
    return url[:5].lower() == "data:"


def read_data_url(url: str, path: str) -> Base64:
    """A data URL that is not base64 is decoded and encoded again. Raises ConversionError for a broken one."""
    head, comma, body = url[5:].partition(",")
    if not comma:
        raise malformed(path, "a data URL with a comma before its content")
    mime, *options = head.split(";")
    mime = mime.strip().lower() or "text/plain"
    mime = _ALIASES.get(mime, mime)
    if options and options[-1].strip().lower() == "base64":
        return Base64(mime, unquote(body) if "%" in body else body)
    return Base64(mime, base64.b64encode(unquote_to_bytes(body)).decode())


def write_data_url(src: Base64) -> str:
    return f"data:{src.mime};base64,{src.data}"


def read_text(src: Base64, path: str) -> str:
    """The text of an inline text file. Raises ConversionError when it is not base64 of UTF-8."""
    try:
        return base64.b64decode(src.data, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise malformed(path, "base64 of UTF-8 text") from error
