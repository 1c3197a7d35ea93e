"""Tokens in JSON: in the file of the tool that they belong to, or as base64 in a setting."""

import base64
import json
import math
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from creds.account import CredentialError
from creds.lock_file import LockFile
from creds.store import MAX_SECRET_BYTES, make_private_dir, write_private
from creds.token import Missing, Token

type Document = Mapping[str, object]
type Stamp = tuple[int, int, int]  # mtime_ns, size, inode

BASE64 = "base64"  # where a token is kept that no file holds
MILLISECONDS_FROM = 1e11  # as seconds that is the year 5138, as milliseconds 1973


@dataclass(frozen=True, slots=True)
class Keys:
    """How a format calls things: the first of the names that is there is read; the same one, else the first, is written.

    iso: how an end is written where there was none: RFC 3339 or milliseconds.
    """

    access: tuple[str, ...] = ("access_token",)
    refresh: tuple[str, ...] = ("refresh_token",)
    expiry: tuple[str, ...] = ("expiry_date",)
    iso: bool = False

    def load(self, document: Document, label: str) -> Token:
        """CredentialError if it holds neither token, or one that cannot be a header's value."""
        access, refresh = (_text(document, names) for names in (self.access, self.refresh))
        if not access and not refresh:
            raise CredentialError(f"{label} holds neither `{self.access[0]}` nor `{self.refresh[0]}`")
        named = {*self.access, *self.refresh, *self.expiry}
        extra = {key: value for key, value in document.items() if key not in named}
        try:
            return Token(access, refresh or None, read_end(document.get(_name(document, self.expiry))), extra)
        except CredentialError as e:
            raise CredentialError(f"{label}: {e}") from None

    def dump(self, token: Token, document: Document) -> dict[str, object]:
        """`document` with the token in it; what else it holds stays."""
        merged = {**document, _name(document, self.access): token.access}
        if token.refresh is not None:
            merged[_name(document, self.refresh)] = token.refresh
        if token.expires_at:
            expiry = _name(document, self.expiry)
            merged[expiry] = write_end(token.expires_at, document.get(expiry, "" if self.iso else 0))
        else:
            merged.pop(_name(document, self.expiry), None)  # the old token's end is not the new one's
        return merged


def _name(document: Document, names: tuple[str, ...]) -> str:
    return next((name for name in names if name in document), names[0])


def _text(document: Document, names: tuple[str, ...]) -> str:
    value = document.get(_name(document, names))
    return value.strip() if isinstance(value, str) else ""


def read_end(value: object) -> float:
    """When a token ends, as files say it -> unix seconds. Milliseconds, seconds (below 10^11), either as text, or RFC 3339
    (without a zone: UTC). 0 for what says nothing."""
    if isinstance(value, str):
        return read_end(float(value)) if value.strip().isdecimal() else _read_date(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    if not math.isfinite(number) or number <= 0:
        return 0.0
    return number if number < MILLISECONDS_FROM else number / 1000


def _read_date(text: str) -> float:
    try:
        date = datetime.fromisoformat(text.strip())
        return max((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp(), 0.0)  # Go writes year 1 for no date
    except (ValueError, OverflowError):
        return 0.0


def write_end(seconds: float, before: object) -> object:
    """In the form that stood there before, so that whoever wrote that can read this; milliseconds if it was no form."""
    if isinstance(before, str):
        return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
    if isinstance(before, int | float) and 0 < before < MILLISECONDS_FROM:
        return int(seconds)
    return round(seconds * 1000)


class FileSource:
    """A JSON object in a file. The tool that made it reads and writes it as well; nothing of that tool's is lost.

    rotates: whether a refresh voids the refresh token before it. Then a file that cannot be written is not refreshed from:
    its owner would be logged out. lock: the official tool's, or one of ours beside the file.
    """

    def __init__(self, path: Path, keys: Keys, *, rotates: bool = True, lock: LockFile | None = None) -> None:
        self._path, self._keys, self._rotates = path, keys, rotates
        self._lock = lock or LockFile(beside(path))
        self._seen: Stamp | None = None
        self._last: Token | None = None

    @property
    def label(self) -> str:
        return str(self._path)

    @property
    def path(self) -> Path:
        return self._path

    def read(self) -> Token:
        stamp, document = self._document()
        self._last = self._keys.load(document, self.label)
        self._seen = stamp
        return self._last

    def newer(self) -> bool:
        try:
            return _stamp(self._path.stat()) != self._seen
        except OSError:
            return self._seen is not None  # gone: `read` says so

    def write(self, token: Token) -> None:
        """A login (nothing read yet) makes the file, and its folder; a refresh finds it or leaves it gone."""
        try:
            _, document = self._document()
        except Missing:
            if self._last is not None:
                raise
            document = {}
        before = self._last
        if before is not None and _text(document, self._keys.refresh) not in (
            before.refresh or "",
            token.refresh or "",
        ):
            return
        known = before.extra if before else {}
        changed = {key: value for key, value in token.extra.items() if key not in known or known[key] != value}
        content = json.dumps(self._keys.dump(token, {**document, **changed}), indent=2)
        try:
            make_private_dir(self._path.parent)
            write_private(self._path, content.encode())
        except OSError as e:
            raise CredentialError(f"the renewed token cannot be saved in {self._path}: {e.strerror}") from e
        self._last = token
        stamp, written = self._document()
        if _text(written, self._keys.access) == token.access:  # else somebody has written after us, which is newer
            self._seen = stamp

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._lock.held())
            except OSError as e:
                if self._rotates:
                    raise CredentialError(
                        f"{self._path.parent} cannot be written ({e.strerror}), so the token in it is not renewed: that would"
                        " log out the tool it belongs to; make the folder writable"
                    ) from e
            yield

    def _document(self) -> tuple[Stamp, Document]:
        try:
            with self._path.open("rb") as file:
                stamp = _stamp(os.fstat(file.fileno()))  # before the content: a write that comes between shows as newer
                content = file.read(MAX_SECRET_BYTES + 1)
        except FileNotFoundError:
            raise Missing(f"there is no {self._path}") from None
        except OSError as e:
            raise CredentialError(f"cannot read {self._path}: {e.strerror}") from e
        if len(content) > MAX_SECRET_BYTES:
            raise CredentialError(f"{self._path} is larger than {MAX_SECRET_BYTES} bytes; is it the right file?")
        document = parse_object(content)
        if document is None:
            raise CredentialError(f"{self._path} is not a JSON object; it may be half-written, or not the right file")
        return stamp, document


class Base64Source:
    """A JSON object as base64, from a setting. Renewed tokens stay in memory: there is nowhere to write them to."""

    def __init__(self, text: str, keys: Keys, label: str = BASE64) -> None:
        self._text, self._keys, self._label = text, keys, label
        self._token: Token | None = None

    @property
    def label(self) -> str:
        return self._label

    def read(self) -> Token:
        if self._token is None:
            self._token = self._keys.load(self._document(), self._label)
        return self._token

    def newer(self) -> bool:
        return False

    def write(self, token: Token) -> None:
        self._token = token

    def lock(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def _document(self) -> Document:
        text = "".join(self._text.split()).replace("-", "+").replace("_", "/").rstrip("=")
        try:
            document = parse_object(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
        except ValueError:
            document = None
        if document is None:
            raise CredentialError(f"{self._label}: not the base64 of a JSON object; encode the whole credentials file")
        return document


def beside(path: Path) -> Path:
    """The lock file of a credentials file: `oauth_creds.json` -> `oauth_creds.lock`, in the same folder."""
    return path.with_name(path.name + ".lock") if path.suffix == ".lock" else path.with_suffix(".lock")


def parse_object(content: bytes) -> Document | None:
    """None for anything but a JSON object. (An exception would carry the text, and the text is a secret.)"""
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _stamp(stat: os.stat_result) -> Stamp:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
