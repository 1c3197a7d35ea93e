"""The two servers that hand out Kiro's tokens, as strict as theirs: social refresh, and AWS's OIDC with its device flow.

Refresh tokens work once, access tokens for `ttl` seconds. `refreshes` counts those that succeeded, `refused` the error names sent.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

type JsonObject = dict[str, object]
type Answer = tuple[int, JsonObject]

ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/FAKEPROFILE1"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SOCIAL_PATH, OIDC_PATH = "/social/refreshToken", "/oidc/token"
HASH = "0123456789abcdef0123456789abcdef01234567"
_CAMEL = re.compile(r"[a-z]+(?:[A-Z][a-z]+)*")


@dataclass
class Scripted:
    """The next answer of either server, whatever is asked. body: an object as JSON, or text as it is."""

    status: int
    body: object
    headers: dict[str, str] = field(default_factory=dict)


class KiroAuth:
    """now: seconds that go on. scripted: answers that go before all rules."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.ttl = 3600.0
        self.rotates = True
        self.names_profile = True  # a social answer holds the profile
        self.scripted: list[Scripted] = []
        self.refreshes = 0
        self.refused: list[str] = []
        self.clients: dict[str, str] = {"fake-client": "fake-client-secret"}
        self.approved = False  # the user has entered the device's code
        self._access: dict[str, float] = {}  # token -> its end
        self._refresh: dict[str, str] = {}  # token -> its client, "" of a social login
        self._device: dict[str, str] = {}  # code -> client
        self._count = 0

    # --- logins, as the official tools leave them ---

    def issue(self, client: str = "") -> tuple[str, str]:
        """(access token, refresh token) of a new login. client: "" for a social one."""
        self._count += 1
        access, refresh = f"aoa{self._count:06d}-{'a' * 40}", f"aor{self._count:06d}-{'r' * 120}"
        self._access[access] = self.now() + self.ttl
        self._refresh[refresh] = client
        return access, refresh

    def ide_login(self, kind: str = "social", *, ends_in: float | None = None, **more: object) -> JsonObject:
        """What the IDE writes. ends_in: seconds; the token's own end by default. more: further keys, None leaves one out."""
        idc = kind != "social"
        access, refresh = self.issue("fake-client" if idc else "")
        ends = time.time() + (self.ttl if ends_in is None else ends_in)
        stamp = datetime.fromtimestamp(ends, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        login: JsonObject = {"accessToken": access, "refreshToken": refresh, "expiresAt": stamp, "authMethod": kind}
        login |= (
            {"provider": "BuilderId", "region": "us-east-1", "clientIdHash": HASH} if idc else {"provider": "Google"}
        )
        if not idc:
            login["profileArn"] = ARN
        return {name: value for name, value in (login | more).items() if value is not None}

    def write_second_file(self, folder: Path) -> Path:
        """The client that `ide_login("IdC")` belongs to."""
        path = folder / f"{HASH}.json"
        ((client, secret),) = self.clients.items()
        path.write_text(json.dumps({"clientId": client, "clientSecret": secret, "expiresAt": "2099-01-01T00:00:00Z"}))
        return path

    # --- what the other servers ask ---

    def is_live(self, access: str) -> bool:
        return self._access.get(access, float("-inf")) > self.now()

    def is_alive(self, refresh: object) -> bool:
        """Whether a refresh token still works."""
        return refresh in self._refresh

    def revoke(self) -> None:
        """All refresh tokens, as a logout does."""
        self._refresh.clear()

    def end_access(self) -> None:
        self._access.clear()

    # --- the servers ---

    def answer(self, path: str, body: object) -> Answer:
        """body: the parsed JSON."""
        answers = {
            SOCIAL_PATH: self._social,
            OIDC_PATH: self._oidc,
            "/oidc/client/register": self._register,
            "/oidc/device_authorization": self._authorize,
        }
        if path not in answers:
            return 404, {"message": "no such path"}
        if not isinstance(body, dict) or not all(_CAMEL.fullmatch(key) for key in body):
            return self._no(400, "invalid_request", "the body must be a JSON object with names in camelCase")
        return answers[path](body)

    def _social(self, body: JsonObject) -> Answer:
        if body.keys() != {"refreshToken"}:
            return self._no(400, "invalid_request", f"not the fields: {sorted(body)}")
        given = body["refreshToken"]
        if self._refresh.get(str(given)) != "":
            self.refused.append("401")
            return 401, {"message": f"Bad credentials {given}"}
        answer = self._tokens(str(given))
        return 200, answer | ({"profileArn": ARN} if self.names_profile else {})

    def _oidc(self, body: JsonObject) -> Answer:
        grant = body.get("grantType")
        own = {"refresh_token": "refreshToken", DEVICE_GRANT: "deviceCode"}.get(str(grant))
        if own is None:
            return self._no(400, "unsupported_grant_type", "")
        if body.keys() != {"clientId", "clientSecret", "grantType", own}:
            return self._no(400, "invalid_request", f"not the fields: {sorted(body)}")
        client = str(body["clientId"])
        if self.clients.get(client) != body["clientSecret"]:
            return self._no(401, "invalid_client", "Invalid client provided")
        if own == "deviceCode":
            return self._poll(str(body[own]), client)
        if self._refresh.get(str(body[own])) != client:
            return self._no(400, "invalid_grant", "Invalid refresh token provided")
        return 200, self._tokens(str(body[own])) | {"tokenType": "Bearer", "idToken": None}

    def _poll(self, code: str, client: str) -> Answer:
        if self._device.get(code) != client:
            return self._no(400, "expired_token", "")
        if not self.approved:
            return self._no(400, "authorization_pending", "")
        del self._device[code]
        access, refresh = self.issue(client)
        return 200, {"accessToken": access, "refreshToken": refresh, "tokenType": "Bearer", "expiresIn": int(self.ttl)}

    def _register(self, body: JsonObject) -> Answer:
        if not body.keys() >= {"clientName", "clientType", "scopes", "grantTypes"} or body["clientType"] != "public":
            return self._no(400, "invalid_request", "")
        self.clients["registered"] = "registered-secret"
        ends = int(time.time()) + 90 * 86_400
        return 200, {"clientId": "registered", "clientSecret": "registered-secret", "clientSecretExpiresAt": ends}

    def _authorize(self, body: JsonObject) -> Answer:
        client = str(body.get("clientId"))
        if body.keys() != {"clientId", "clientSecret", "startUrl"} or self.clients.get(client) != body["clientSecret"]:
            return self._no(400, "invalid_client", "")
        self._device["device-1"] = client
        shown = {"userCode": "ABCD-EFGH", "verificationUri": "https://device.example/"}
        whole = {"verificationUriComplete": "https://device.example/?user_code=ABCD-EFGH"}
        return 200, {"deviceCode": "device-1", **shown, **whole, "expiresIn": 600, "interval": 1}

    def _tokens(self, used: str) -> JsonObject:
        """The answer to a refresh; the next refresh token stands in it only where it rotates."""
        self.refreshes += 1
        client = self._refresh[used]
        access, refresh = self.issue(client)
        if self.rotates:
            del self._refresh[used]
            return {"accessToken": access, "refreshToken": refresh, "expiresIn": int(self.ttl)}
        del self._refresh[refresh]
        return {"accessToken": access, "expiresIn": int(self.ttl)}

    def _no(self, status: int, error: str, description: str) -> Answer:
        self.refused.append(error)
        return status, {"error": error, "error_description": description}
