"""Log in to a Qwen account by device code and PKCE, as Qwen Code did. Logins may still succeed where no model answers any more.

Source: QwenLM/qwen-code, packages/core/src/qwen/qwenOAuth2.ts (read 2026-11).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from creds.account import CredentialError
from creds.device_flow import DeviceCode, Sleep, Slower, granted, read_device_code, show
from creds.login_file import prepare, save_login
from creds.pkce import METHOD, Pkce, fresh_pkce
from creds.qwen import CLIENT_ID, KEPT, KEYS, OAUTH_BASE_URL, TOKEN_PATH, read_token
from creds.terminal import Terminal
from creds.token import Token
from creds.token_server import Answer, post_form

DEVICE_PATH = "/api/v1/oauth2/device/code"
SCOPE = "openid profile email model.completion"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER = Slower(factor=1.5, more=0.0, longest=10.0)
NAMES = ("device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval")


@dataclass(frozen=True, slots=True)
class QwenLogin:
    """now: unix seconds. clock: seconds that do not go back."""

    oauth_base_url: str = OAUTH_BASE_URL
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep

    async def run(self, terminal: Terminal, path: Path) -> Token:
        """A login from nothing to `path`. Raises CredentialError that says what went wrong; the file is as before then."""
        prepare(path)
        pkce = fresh_pkce()
        code = await asyncio.to_thread(self._begin, pkce)
        await show(code, terminal)

        def ask() -> Answer:
            form = {
                "grant_type": GRANT,
                "client_id": CLIENT_ID,
                "device_code": code.code,
                "code_verifier": pkce.verifier,
            }
            return post_form(self.oauth_base_url.rstrip("/") + TOKEN_PATH, form)

        answer = await granted(code, ask, SLOWER, now=self.clock, sleep=self.sleep)
        token = read_token(answer, self.now())
        await save_login(path, KEYS, token, KEPT)
        return token

    def _begin(self, pkce: Pkce) -> DeviceCode:
        form = {
            "client_id": CLIENT_ID,
            "scope": SCOPE,
            "code_challenge": pkce.challenge,
            "code_challenge_method": METHOD,
        }
        answer = post_form(self.oauth_base_url.rstrip("/") + DEVICE_PATH, form)
        if answer.status != 200 or "error" in answer.fields:
            raise CredentialError(f"Qwen's login server gave no code ({answer.error(pkce.verifier)})")
        return read_device_code(answer, NAMES)
