"""Strict login servers: Google's and Kiro's pages, which send a browser on as a person would have confirmed it, and the device
code endpoints of Qwen and AWS. Each is under a path of its own. A code works once, and with the right verifier alone."""

import base64
import hashlib
import json
import re
from typing import override
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.fakes.server import FakeServer, Line, Recorded

GOOGLE_CLIENT = ("fake-client.apps.example", "fake-client-secret")
QWEN_CLIENT = "f0304373b74a44d2b584a3fb70ca9e56"
AWS_CLIENT = ("aws-client", "aws-client-secret")
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
GOOGLE_SCOPES = {
    f"https://www.googleapis.com/auth/{n}" for n in ("cloud-platform", "userinfo.email", "userinfo.profile")
}
KIRO_SCOPES = {f"codewhisperer:{n}" for n in "completions analysis conversations transformations taskassist".split()}
REFRESH = "refresh-" + "r" * 120  # a real one of Kiro's is over 100 characters long, and shorter ones are refused
ID_TOKEN = "e30." + base64.urlsafe_b64encode(b'{"email":"ann@example.com"}').decode().rstrip("=") + ".x"

type Body = dict[str, object]
type Refusal = tuple[int, object]


class AuthorizationFake(FakeServer):
    """refuse: what the pages send the browser back with, in place of a code. polls: answers to a device's questions before the
    good one. lacks: fields that are left out of token answers. problems: what was wrong in requests, for the test to look at."""

    def __init__(self) -> None:
        super().__init__()
        self.refuse = ""
        self.polls: list[Refusal] = []
        self.lacks: set[str] = set()
        self.problems: list[str] = []
        self.revoked: list[str] = []
        self.interval: object = 1
        self._codes: dict[str, tuple[str, str]] = {}  # code -> challenge, redirect
        self._challenge = ""
        self._issued = 0

    @override
    async def play(self, request: Recorded, line: Line) -> None:
        route = (request.method, request.path)
        pages = {("GET", "/google/auth"): self._google_page, ("GET", "/kiro/login"): self._kiro_page}
        if page := pages.get(route):
            if location := page(request.query):
                return await line.answer(302, {"location": location}, b"")
            return await line.answer(400, {"content-type": "text/html"}, b"<h1>400. That's an error.</h1>")
        forms = {
            "/google/token": self._google_token,
            "/google/revoke": self._google_revoke,
            "/qwen/api/v1/oauth2/device/code": self._qwen_code,
            "/qwen/api/v1/oauth2/token": self._qwen_token,
        }
        documents = {
            "/kiro/oauth/token": self._kiro_token,
            "/oidc/client/register": self._aws_client,
            "/oidc/device_authorization": self._aws_code,
            "/oidc/token": self._aws_token,
        }
        status, body = 404, {"error": "not_found"}
        kind = (request.header("content-type") or "").partition(";")[0]
        if request.method == "POST" and (form := forms.get(request.path)):
            fields = dict(parse_qsl(request.body.decode(), strict_parsing=True))
            status, body = form(fields) if kind == "application/x-www-form-urlencoded" else self._bad("not a form")
        elif request.method == "POST" and (document := documents.get(request.path)):
            status, body = document(request.json) if kind == "application/json" else self._bad("not JSON")
        if "aiclient/" not in (request.header("user-agent") or ""):
            self.problems.append("a borrowed User-Agent")
        text = body if isinstance(body, str) else json.dumps(body)
        form_of = "text/html" if isinstance(body, str) else "application/json"
        await line.answer(status, {"content-type": form_of}, text.encode())

    def _bad(self, problem: str) -> Refusal:
        self.problems.append(problem)
        return 400, {"error": "invalid_request", "error_description": problem}

    # --- pages ---

    def _google_page(self, query: dict[str, str]) -> str | None:
        fixed = {
            "response_type": "code",
            "client_id": GOOGLE_CLIENT[0],
            "access_type": "offline",
            "prompt": "consent",
            "code_challenge_method": "S256",
        }
        redirect = re.fullmatch(r"http://127\.0\.0\.1:\d+/oauth2callback", query.get("redirect_uri", ""))
        if set(query.get("scope", "").split()) != GOOGLE_SCOPES or not redirect:
            return self._no_page("scope or redirect")
        return self._sent_back(query, fixed)

    def _kiro_page(self, query: dict[str, str]) -> str | None:
        redirect = re.fullmatch(r"http://localhost:\d+/oauth/callback", query.get("redirect_uri", ""))
        if query.get("idp") not in ("Google", "Github") or not redirect:
            return self._no_page("idp or redirect")
        return self._sent_back(query, {"code_challenge_method": "S256"})

    def _no_page(self, problem: str) -> None:
        self.problems.append(problem)

    def _sent_back(self, query: dict[str, str], fixed: dict[str, str]) -> str | None:
        if fixed.items() - query.items() or not re.fullmatch(r"[\w-]{43}", query.get("code_challenge", "")):
            return self._no_page(f"not {fixed}")
        if len(query.get("state", "")) < 32:
            return self._no_page("state")
        answer = (
            {"error": self.refuse, "error_description": "you said no"}
            if self.refuse
            else {"code": self._fresh("4/code")}
        )
        if not self.refuse:
            self._codes[answer["code"]] = query["code_challenge"], query["redirect_uri"]
        return f"{query['redirect_uri']}?{urlencode({**answer, 'state': query['state']})}"

    # --- tokens ---

    def _google_token(self, form: dict[str, str]) -> Refusal:
        names = {"grant_type", "code", "client_id", "client_secret", "redirect_uri", "code_verifier"}
        if form.keys() != names or form["grant_type"] != "authorization_code":
            return self._bad(f"fields: {sorted(form.keys() ^ names)}")
        if (form["client_id"], form["client_secret"]) != GOOGLE_CLIENT:
            return 401, {"error": "invalid_client", "error_description": f"no client with {form['client_secret']}"}
        if problem := self._used(form["code"], form["redirect_uri"], form["code_verifier"]):
            return 400, {"error": "invalid_grant", "error_description": problem}
        return self._tokens({"expires_in": 3599, "scope": "b a", "token_type": "Bearer", "id_token": ID_TOKEN})

    def _google_revoke(self, form: dict[str, str]) -> Refusal:
        if form.get("token", "") not in self.alive:
            return 400, {"error": "invalid_token", "error_description": form.get("token", "")}
        self.revoked.append(form["token"])
        return 200, {}

    @property
    def alive(self) -> set[str]:
        """The refresh tokens that were given out and not revoked."""
        return {f"{REFRESH}{n}" for n in range(1, self._issued + 1)} - set(self.revoked)

    def _kiro_token(self, body: Body) -> Refusal:
        if body.keys() != {"code", "code_verifier", "redirect_uri"}:
            return self._bad(f"fields: {sorted(body)}")
        if problem := self._used(str(body["code"]), str(body["redirect_uri"]), str(body["code_verifier"])):
            return 401, {"message": problem}
        arn = "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABC"
        return self._aws_tokens({"expiresIn": 3600, "profileArn": arn})

    def _used(self, code: str, redirect: str, verifier: str) -> str:
        """What is wrong with a code, which is void afterwards."""
        challenge, known = self._codes.pop(code, ("", ""))
        if not challenge:
            return f"no such code {code}"
        return "" if known == redirect and challenge == _challenge(verifier) else f"redirect or verifier {verifier}"

    # --- devices ---

    def _qwen_code(self, form: dict[str, str]) -> Refusal:
        fixed = {
            "client_id": QWEN_CLIENT,
            "scope": "openid profile email model.completion",
            "code_challenge_method": "S256",
        }
        if form.keys() != fixed.keys() | {"code_challenge"} or fixed.items() - form.items():
            return self._bad("fields")
        self._challenge = form["code_challenge"]
        page = f"{self.url}/authorize"
        body: Body = {
            "device_code": "device-secret",
            "user_code": "ABCD-1234",
            "verification_uri": page,
            "expires_in": 900,
        }
        body |= {"verification_uri_complete": f"{page}?user_code=ABCD-1234", "interval": self.interval}
        return 200, {name: value for name, value in body.items() if name not in self.lacks}

    def _qwen_token(self, form: dict[str, str]) -> Refusal:
        if (
            form.keys() != {"grant_type", "client_id", "device_code", "code_verifier"}
            or form["grant_type"] != DEVICE_GRANT
        ):
            return self._bad("fields")
        if form["client_id"] != QWEN_CLIENT or form["device_code"] != "device-secret":
            return 401, {"error": "invalid_request"}
        if self.polls:
            return self.polls.pop(0)
        if _challenge(form["code_verifier"]) != self._challenge:
            return 400, {"error": "invalid_grant", "error_description": "verifier"}
        more = {"expires_in": 21600, "token_type": "Bearer", "resource_url": "portal.qwen.ai", "status": "success"}
        return self._tokens(more)

    def _aws_client(self, body: Body) -> Refusal:
        scopes, grants = body.get("scopes"), body.get("grantTypes")
        names = {"clientName", "clientType", "scopes", "grantTypes"}
        if (
            body.keys() != names
            or body["clientType"] != "public"
            or not isinstance(scopes, list)
            or set(scopes) != KIRO_SCOPES
        ):
            return self._bad("registration")
        if not isinstance(grants, list) or set(grants) != {DEVICE_GRANT, "refresh_token"}:
            return self._bad("grants")
        return 200, {"clientId": AWS_CLIENT[0], "clientSecret": AWS_CLIENT[1], "clientSecretExpiresAt": 1}

    def _aws_code(self, body: Body) -> Refusal:
        if body.keys() != {"clientId", "clientSecret", "startUrl"} or not urlsplit(str(body["startUrl"])).scheme:
            return self._bad("fields")
        if (body["clientId"], body["clientSecret"]) != AWS_CLIENT:
            return 401, {"__type": "com.amazonaws#InvalidClientException"}
        page = f"{self.url}/device"
        answer: Body = {"deviceCode": "aws-device", "userCode": "WXYZ-9876", "verificationUri": page, "expiresIn": 600}
        return 200, {**answer, "verificationUriComplete": f"{page}?user_code=WXYZ-9876", "interval": self.interval}

    def _aws_token(self, body: Body) -> Refusal:
        if body.keys() != {"clientId", "clientSecret", "grantType", "deviceCode"} or body["grantType"] != DEVICE_GRANT:
            return self._bad("fields")
        if (body["clientId"], body["clientSecret"], body["deviceCode"]) != (*AWS_CLIENT, "aws-device"):
            return 400, {"error": "invalid_grant"}
        return self.polls.pop(0) if self.polls else self._aws_tokens({"expiresIn": 3600, "tokenType": "Bearer"})

    def _tokens(self, more: Body) -> Refusal:
        self._issued += 1
        body = {"access_token": f"access-{self._issued}", "refresh_token": f"{REFRESH}{self._issued}", **more}
        return 200, {name: value for name, value in body.items() if name not in self.lacks}

    def _aws_tokens(self, more: Body) -> Refusal:
        self._issued += 1
        return 200, {"accessToken": f"access-{self._issued}", "refreshToken": f"{REFRESH}{self._issued}", **more}

    def _fresh(self, name: str) -> str:
        return f"{name}-{len(self._codes) + self._issued + 1}"


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
