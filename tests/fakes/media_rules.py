"""Are these bytes what their label says? Both vendors look."""

import base64
import binascii

_MAGIC = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "application/pdf": (b"%PDF-",),
    "audio/wav": (b"RIFF",),
    "audio/mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
}


def media_problem(mime: str, data: str) -> str | None:
    """What is wrong with base64 `data` of type `mime`; None if nothing."""
    if mime not in _MAGIC:
        return f"unsupported media type {mime!r}"
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return "invalid base64 data"
    if not content.startswith(_MAGIC[mime]):
        return f"the data does not match the provided media type {mime}"
    return None


def data_url_problem(url: str, kinds: str) -> str | None:
    """kinds: the prefix its type must have, e.g. `image/`."""
    head, comma, data = url.removeprefix("data:").partition(",")
    if not url.startswith("data:") or not comma or not head.endswith(";base64"):
        return "expected a base64-encoded data URL with a MIME type (e.g. 'data:image/png;base64,aW1n...')"
    mime = head.removesuffix(";base64")
    return media_problem(mime, data) if mime.startswith(kinds) else f"unsupported media type {mime!r}"
