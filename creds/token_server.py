"""One request to a server that hands out tokens. Blocking: it runs in a worker thread, where nothing can cut it short between
the answer, which may hold the only refresh token, and the one who keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlencode

import httpx

from creds.tls import authorities
from creds.token import Unavailable, quoted
from creds.token_file import parse_object

SECONDS = 20.0
FORM = "application/x-www-form-urlencoded"


def user_agent() -> str:
    """Our own name, as everywhere."""
    try:
        return f"aiclient/{version('aiclient')}"
    except PackageNotFoundError:
        return "aiclient/0+source"


@dataclass(frozen=True, slots=True)
class Answer:
    """status: HTTP. fields: the JSON object of the body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    fields: Mapping[str, object] = field(repr=False)

    def text(self, name: str) -> str:
        """A field that is text; "" for any other."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def error(self, *secrets: str | None) -> str:
        """What it says went wrong, fit to be shown."""
        text = ": ".join(part for name in ("error", "error_description") if (part := self.text(name)))
        return quoted(f"HTTP {self.status} {text}", *secrets)

    @property
    def passing(self) -> bool:
        """A refusal that says nothing of the token: 408, 429, 5xx."""
        return self.status in (408, 429) or self.status >= 500


def exchanged(method: str, url: str, headers: Mapping[str, str], content: bytes | None = None) -> httpx.Response:
    """One request and its answer. Raises Unavailable when none comes. Redirects are not followed, and neither proxies nor
    `.netrc` are taken from the environment."""
    ours = {"user-agent": user_agent(), "accept": "application/json"}
    try:
        with httpx.Client(verify=authorities(), trust_env=False, timeout=SECONDS) as client:
            return client.request(method, url, content=content, headers=ours | dict(headers))
    except (httpx.HTTPError, httpx.InvalidURL) as e:
        raise Unavailable(f"{place(url)} did not answer: {quoted(str(e)) or type(e).__name__}") from None


def ask(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """POST. Raises Unavailable when no answer comes, or one that is no JSON object: a login page of some network, an error
    page of some gateway."""
    response = exchanged("POST", url, headers, body)
    fields = parse_object(response.content)
    if fields is None:
        kind = quoted(response.headers.get("content-type", "no type"))
        raise Unavailable(f"{place(url)} answered HTTP {response.status_code} with {kind} that is no JSON object")
    return Answer(response.status_code, response.headers, response.content, fields)


def post_form(url: str, form: Mapping[str, str]) -> Answer:
    """POST of a form, as OAuth's token endpoints take it."""
    return ask(url, urlencode(form).encode(), {"content-type": FORM})


def place(url: str) -> str:
    """A URL without its query, for people."""
    return quoted(url.partition("?")[0])
