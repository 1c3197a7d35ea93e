"""The client key: what a client must present to us. There is no default key; one is made at the first start."""

import hmac
import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes

from creds.store import make_private_dir, write_private

PREFIX = "aic-"
FILE_NAME = "client_key"
SHORTEST = 8
# Keys from example configurations of gateways; scanners try these first.
SAMPLE_KEYS = frozenset(
    "12345678 123456789 1234567890 admin123 admin1234 changeme change-me password password123 passw0rd secret123 "
    "sk-12345 sk-123456 sk-12345678 sk-test-key test1234 testtest test-key your-api-key your_api_key "
    "your-api-key-1 your-api-key-2 your-api-key-3 aiclient my-secret-key example-key".split()
)
WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104  # compared with, not bound to


def key_path(home: Path) -> Path:
    """Where a generated key is stored."""
    return home / FILE_NAME


def ensure_key(home: Path, configured: str | None) -> tuple[str, bool]:
    """The key to ask clients for, and whether it was made just now.

    A configured key wins; else the stored one; else a new one is stored in `home` (0600, folder 0700). OSError if the
    file can be neither read nor written.
    """
    if configured:
        return configured, False
    path = key_path(home)
    try:
        stored = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        stored = ""
    if len(stored) >= SHORTEST:
        return stored, False
    return new_key(home), True


def new_key(home: Path) -> str:
    """Make a key and store it, in place of one that may be there."""
    key = PREFIX + secrets.token_urlsafe(32)  # 32 bytes are 43 characters
    make_private_dir(home)
    write_private(key_path(home), key.encode() + b"\n")
    return key


def check(presented: bytes, key: bytes) -> bool:
    """Whether a client's key is ours, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(presented, key)


def presented_keys(headers: Iterable[tuple[bytes, bytes]], query: bytes) -> list[bytes]:
    """Every key a client shows, in any protocol's way; the caller admits it if one of them is right.

    `Authorization: Bearer`, `x-api-key`, `x-goog-api-key` and `?key=`. headers: raw pairs, names in any case. query: the raw
    query string, without `?`.
    """
    keys = []
    for name, value in headers:
        lower = name.lower()
        if lower == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                keys.append(token.strip())
        elif lower in (b"x-api-key", b"x-goog-api-key"):
            keys.append(value.strip())
    keys += [unquote_to_bytes(pair[4:]) for pair in query.split(b"&") if pair.startswith(b"key=")]
    return [key for key in keys if key]


def is_loopback(host: str) -> bool:
    """Whether a bind to `host` is reachable from this machine alone. A name other than localhost counts as reachable."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_open_bind(host: str, configured: str | None) -> str | None:
    """Why a bind to `host` is refused, with the cure; None if it is not.

    Beyond loopback the key must have been set by a person, and must not be one that everybody knows.
    """
    if is_loopback(host):
        return None
    if not configured:
        return f"host {host} is reachable from other machines: set api_key (AICLIENT_API_KEY) first, or use 127.0.0.1"
    if len(configured) < SHORTEST or configured.lower() in SAMPLE_KEYS:
        return f"api_key is short or from an example, and host {host} is reachable from other machines: use a long random key"
    return None


def local_url(host: str, port: int) -> str:
    """The URL at which a program on this machine reaches us."""
    name = "127.0.0.1" if host in WILDCARDS else host.strip("[]")
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def banner(host: str, port: int, key: str | None, accounts: Sequence[str], key_file: Path | None = None) -> str:
    """What a person reads at start: lines to paste into a shell.

    key: shown in full, so pass it at the very first start alone, else None. accounts: labels. key_file: where the key is kept.
    """
    url = local_url(host, port)
    shown = key or (f"$(cat '{key_file}')" if key_file else "YOUR_API_KEY")
    lines = [f"aiclient listens on {url}", f"accounts: {', '.join(accounts)}"]
    if key:
        lines.append(f"client key: {key}")
    if key_file:
        lines.append(f"key file: {key_file}" + ("  (the key is not shown again)" if key else ""))
    lines += [
        f'curl:        curl {url}/v1/models -H "Authorization: Bearer {shown}"',
        f'Claude Code: ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN="{shown}" claude',
        f'OpenAI SDK:  export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY="{shown}"',
    ]
    return "\n".join(lines)
