"""A strict token server: Google's endpoint at `/token`, Qwen's at `/api/v1/oauth2/token`. Every refresh is counted."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import override
from urllib.parse import parse_qsl

from tests.fakes.server import FakeServer, Line, Recorded

GOOGLE_PATH, QWEN_PATH = "/token", "/api/v1/oauth2/token"
GOOGLE_CLIENT = ("fake-client.apps.example", "fake-client-secret")
QWEN_CLIENT = "f0304373b74a44d2b584a3fb70ca9e56"
FORM = "application/x-www-form-urlencoded"
JSON = {"content-type": "application/json"}


@dataclass
class Scripted:
    """The next answer, whatever is asked. body: an object as JSON, or text as it is."""

    status: int
    body: object
    headers: dict[str, str] = field(default_factory=dict)


class OAuthFake(FakeServer):
    """alive: the refresh tokens that work; live: the access tokens that were given out. id_token: how those begin. rotates: each
    refresh token works once, and the answer has the next. more: further fields of a Qwen answer. scripted: answers that go
    before all rules. delay: seconds before each answer. refreshes: how many succeeded; refused: error codes sent."""

    def __init__(self, *, rotates: bool = False) -> None:
        super().__init__()
        self.rotates = rotates
        self.alive: set[str] = set()
        self.live: set[str] = set()
        self.id_token = "id"
        self.expires_in: object = 3599
        self.google_client = GOOGLE_CLIENT
        self.more: dict[str, object] = {}
        self.scripted: list[Scripted] = []
        self.refreshes = 0
        self.refused: list[str] = []
        self.delay = 0.0

    @property
    def google_url(self) -> str:
        return self.url + GOOGLE_PATH

    @override
    async def play(self, request: Recorded, line: Line) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.scripted:
            script = self.scripted.pop(0)
            text = script.body if isinstance(script.body, str) else json.dumps(script.body)
            await line.answer(script.status, JSON | script.headers, text.encode())
            return
        status, body = self._answer(request)
        if status != 200:
            self.refused.append(str(body["error"]))
        await line.answer(status, JSON, json.dumps(body).encode())

    def _answer(self, request: Recorded) -> tuple[int, dict[str, object]]:
        if request.method != "POST" or request.path not in (GOOGLE_PATH, QWEN_PATH):
            return 404, {"error": "not_found"}
        if (request.header("content-type") or "").partition(";")[0] != FORM:
            return 400, {"error": "invalid_request", "error_description": "the body must be a form"}
        pairs = parse_qsl(request.body.decode(), strict_parsing=True)
        form = dict(pairs)
        if len(form) != len(pairs):
            return 400, {"error": "invalid_request", "error_description": "a field is given twice"}
        google = request.path == GOOGLE_PATH
        if problem := _problem(form, self.google_client if google else None):
            return problem
        refresh = form["refresh_token"]
        if refresh not in self.alive:
            return 400, {"error": "invalid_grant", "error_description": f"Bad refresh token {refresh}"}
        self.refreshes += 1
        body: dict[str, object] = {
            "access_token": f"access-{self.refreshes}-{refresh}",
            "token_type": "Bearer",
            "expires_in": self.expires_in,
        }
        self.live.add(str(body["access_token"]))
        body |= (
            {"scope": "b a", "id_token": f"{self.id_token}-{self.refreshes}"}
            if google
            else {"status": "success", **self.more}
        )
        if self.rotates:
            self.alive.discard(refresh)
            body["refresh_token"] = f"{refresh.partition('+')[0]}+{self.refreshes}"
            self.alive.add(str(body["refresh_token"]))
        return 200, body


def _problem(form: dict[str, str], google: tuple[str, str] | None) -> tuple[int, dict[str, object]] | None:
    """google: the client that Google's way asks for; None for Qwen's."""
    fields = {"grant_type", "refresh_token", "client_id"} | ({"client_secret"} if google else set())
    if form.keys() != fields:
        return 400, {"error": "invalid_request", "error_description": f"not the fields: {sorted(form.keys() ^ fields)}"}
    if form["grant_type"] != "refresh_token":
        return 400, {"error": "unsupported_grant_type"}
    if google and (form["client_id"], form["client_secret"]) != google:
        return 401, {"error": "invalid_client", "error_description": "The OAuth client was not found."}
    if not google and form["client_id"] != QWEN_CLIENT:
        return 401, {"error": "invalid_client"}
    return None
