"""Requests to Kiro's servers other than the one for answers: blocking, so they run in a worker thread.

The same reasons as in `token_server`, and two more: these servers refuse in plain text as well, and some calls are a GET.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from creds.account import CredentialError
from creds.token import Unavailable, quoted
from creds.token_file import parse_object
from creds.token_server import exchanged, place

SECONDS = 20.0
US = "us-east-1"
JSON = "application/json"
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d{1,2}")
_ARN = re.compile(r"arn:aws[a-z-]*:codewhisperer:([a-z0-9-]*):\d*:profile/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. fields: the JSON object of its body, empty for a body that is none; words: such a body, as text."""

    status: int
    fields: Mapping[str, object] = field(repr=False)
    words: str = field(default="", repr=False)
    error_type: str = ""

    def text(self, name: str) -> str:
        """A field that is text; "" for any other."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    @property
    def name(self) -> str:
        """Of the error: `invalid_grant`, `ThrottlingException`. OAuth's field first, then AWS's three places for it."""
        name = self.text("error") or self.error_type or self.text("code") or self.text("__type")
        return name.split(":", 1)[0].rpartition("#")[2]

    @property
    def message(self) -> str:
        return self.text("error_description") or self.text("message") or self.text("Message") or self.words

    def problem(self, *secrets: str | None) -> str:
        """What it says went wrong, fit to be shown."""
        said = ": ".join(part for part in (self.name, self.message) if part)
        return quoted(f"HTTP {self.status} {said}", *secrets)

    @property
    def passing(self) -> bool:
        """A refusal that says nothing of the credential: 408, 429, 5xx."""
        return self.status in (408, 429) or self.status >= 500


def send(method: str, url: str, headers: Mapping[str, str], content: bytes | None = None) -> Said:
    """Raises Unavailable when no answer comes, or a web page: of some network's login, of some gateway."""
    response = exchanged(method, url, headers, content)
    fields = parse_object(response.content)
    if "html" in response.headers.get("content-type", "") or (fields is None and response.status_code == 200):
        kind = quoted(response.headers.get("content-type", "no type"))
        raise Unavailable(
            f"{place(url)} answered HTTP {response.status_code} with {kind} where a JSON object was expected"
        )
    words = "" if fields is not None else response.content[:2000].decode("utf-8", "replace")
    return Said(response.status_code, fields or {}, words, response.headers.get("x-amzn-errortype", ""))


def checked_region(text: object) -> str:
    """A region's name, "" for none. It becomes part of a host's name: CredentialError for what is no region."""
    region = text.strip().lower() if isinstance(text, str) else ""
    if region and not _REGION.fullmatch(region):
        raise CredentialError(f"{quoted(region)!r} is not the name of an AWS region; one looks like {US}")
    return region


def checked_arn(text: object, where: str = "kiro_profile_arn") -> str:
    """A profile's name, "" for none. CredentialError for what is no ARN of one."""
    arn = text.strip() if isinstance(text, str) else ""
    if arn and not _ARN.fullmatch(arn):
        raise CredentialError(
            f"{where} is not a Kiro profile; one looks like arn:aws:codewhisperer:{US}:ACCOUNT:profile/ID"
        )
    return arn


def region_of(arn: str) -> str:
    """The region that a profile lives in, "" where it names none."""
    found = _ARN.fullmatch(arn)
    return found[1] if found and _REGION.fullmatch(found[1]) else ""
