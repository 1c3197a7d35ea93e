"""One row a setting: the value that all proxies of this test have, and what is to be seen of it, or why nothing is."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.e2e.plain import KEYS
from tests.e2e.settings import effects
from tests.e2e.settings.effects import Effect
from tests.e2e.settings.ways import HOST, Place
from tests.fakes.kiro import API_KEY
from tests.fakes.kiro_auth import ARN
from tests.fakes.oauth import GOOGLE_CLIENT
from tests.fakes.samples import CLIENT_KEY

type Value = str | Callable[[Place], str]

SLOW = "its effect takes longer than a test may: seen with a clock of its own in the pool's tests"
LEFT = "another setting of this start wins over it: seen with the logins"
ASKED_LATE = "only a person's login goes there: seen with the logins"


@dataclass(frozen=True)
class Row:
    """why: where no effect is seen, the reason; then what the proxy has made of the value is all that is looked at. alone: the
    effect is looked at when nothing else goes on. not_as_option: mitmproxy has an option of its own for it."""

    value: Value
    effect: Effect | None = None
    why: str = ""
    alone: bool = False
    not_as_option: bool = False

    def text(self, place: Place) -> str:
        return self.value if isinstance(self.value, str) else self.value(place)


def _fake(provider: str) -> Callable[[Place], str]:
    return lambda place: place.upstreams.of(provider).url


def _of(login: str, name: str) -> Callable[[Place], str]:
    return lambda place: place.stage.of(login).settings[name]


def _pools(place: Place) -> str:
    table = {"CLAUDE_API_KEY": "sk-ant-pooled", "CLAUDE_BASE_URL": "http://127.0.0.1:9", "customName": "pooled"}
    document = {"claude-custom": [{**table, "priority": 9}]}
    return place.file("provider_pools.json", json.dumps(document))


_CHAT = effects.account("openai-custom", "gpt-4.1-text")
_RESPONSES = effects.account("openaiResponses-custom", "gpt-4.1-text")
_CLAUDE = effects.account("claude-custom", "claude-sonnet-4-5-text")
_GEMINI = effects.account("gemini-custom", "gemini-2.5-flash-text")
_QWEN_LOGIN = effects.login("openai-qwen-oauth")
_EMPTY = base64.b64encode(b"{}").decode()

ROWS: Mapping[str, Row] = {
    "host": Row(HOST, effects.host, not_as_option=True),
    "port": Row(lambda place: str(place.port), effects.port, not_as_option=True),
    "api_key": Row(CLIENT_KEY, effects.api_key),
    "allowed_hosts": Row("llm.lan,proxy.example.com", effects.allowed_hosts),
    "cors_origins": Row("https://app.example.com", effects.cors_origins),
    "openai_api_key": Row(KEYS["openai-custom"], _CHAT),
    "openai_base_url": Row(_fake("openai-custom"), _CHAT),
    "openai_responses_api_key": Row(KEYS["openaiResponses-custom"], _RESPONSES),
    "openai_responses_base_url": Row(_fake("openaiResponses-custom"), _RESPONSES),
    "claude_api_key": Row(KEYS["claude-custom"], _CLAUDE),
    "claude_base_url": Row(_fake("claude-custom"), _CLAUDE),
    "gemini_api_key": Row(KEYS["gemini-custom"], _GEMINI),
    "gemini_base_url": Row(_fake("gemini-custom"), _GEMINI),
    "gemini_oauth_creds_file": Row(_of("gemini-cli-oauth", "GEMINI_OAUTH_CREDS_FILE"), effects.code_assist),
    "gemini_oauth_creds_base64": Row(_EMPTY, why=LEFT),
    "gemini_oauth_client_id": Row(GOOGLE_CLIENT[0], effects.code_assist),
    "gemini_oauth_client_secret": Row(GOOGLE_CLIENT[1], effects.code_assist),
    "gemini_oauth_auth_url": Row("https://login.example.com/auth", why=ASKED_LATE),
    "gemini_oauth_token_url": Row(_of("gemini-cli-oauth", "GEMINI_OAUTH_TOKEN_URL"), effects.code_assist),
    "gemini_code_assist_base_url": Row(_of("gemini-cli-oauth", "GEMINI_CODE_ASSIST_BASE_URL"), effects.code_assist),
    "project_id": Row(effects.OTHER_PROJECT, effects.code_assist),
    "kiro_oauth_creds_file": Row(_of("claude-kiro-oauth", "KIRO_OAUTH_CREDS_FILE"), why=LEFT),
    "kiro_oauth_creds_base64": Row(_EMPTY, why=LEFT),
    "kiro_api_key": Row(API_KEY, effects.kiro),
    "kiro_base_url": Row(_of("claude-kiro-oauth", "KIRO_BASE_URL"), effects.kiro),
    "kiro_management_base_url": Row(
        _of("claude-kiro-oauth", "KIRO_MANAGEMENT_BASE_URL"),
        why="asked for usage and profiles alone: seen with the logins",
    ),
    "kiro_auth_base_url": Row(_of("claude-kiro-oauth", "KIRO_AUTH_BASE_URL"), why=LEFT),
    "kiro_oidc_base_url": Row(_of("claude-kiro-oauth", "KIRO_OIDC_BASE_URL"), why=LEFT),
    "kiro_wire": Row("aws-json-1.0", effects.kiro),
    "kiro_region": Row("eu-central-1", why="all URLs are set, so that none is made of it: seen with Kiro's credential"),
    "kiro_profile_arn": Row(ARN, effects.kiro),
    "kiro_thinking": Row("tags", effects.kiro),
    "qwen_oauth_creds_file": Row(_of("openai-qwen-oauth", "QWEN_OAUTH_CREDS_FILE"), _QWEN_LOGIN),
    "qwen_base_url": Row(_of("openai-qwen-oauth", "QWEN_BASE_URL"), _QWEN_LOGIN),
    "qwen_oauth_base_url": Row(_of("openai-qwen-oauth", "QWEN_OAUTH_BASE_URL"), _QWEN_LOGIN),
    "cron_refresh_token": Row("false", why=SLOW),
    "cron_near_minutes": Row("7", why=SLOW),
    "provider_pools_file": Row(_pools, effects.provider_pools_file),
    "request_max_retries": Row("1", effects.request_max_retries),
    "account_tries": Row("2", why="request_max_retries is reached first here: seen with the pools"),
    "request_base_delay": Row("20", why=SLOW),
    "error_rest_seconds": Row("0.1", why=SLOW),
    "rate_rest_seconds": Row("0.1", why=SLOW),
    "auth_rest_seconds": Row("0.1", why=SLOW),
    "quota_rest_seconds": Row("0.1", why=SLOW),
    "longest_rest_seconds": Row("0.2", why=SLOW),
    "account_wait_seconds": Row("1", why=SLOW),
    "health_check_seconds": Row("0", why=SLOW),
    "model_provider": Row("claude-custom,openai-custom", effects.default_models),
    "routes": Row("fast=openai-custom:gpt-4.1-text", effects.routes),
    "default_models": Row("claude-custom=claude-sonnet-4-5-text", effects.default_models),
    "system_prompt_file": Row(lambda place: place.file("prompt.md", effects.PROMPT), effects.system_prompt),
    "system_prompt_mode": Row("prepend", effects.system_prompt),
    "fetch_hosts": Row("media.lan", why="there is no such host here: seen where pictures are fetched"),
    "strict_conversion": Row("true", effects.strict_conversion),
    "body_limit": Row("64k", effects.body_limit),
    "header_limit": Row("16k", effects.header_limit),
    "stream_limit": Row("1m", why="it takes a stream that unpacks to a megabyte: seen with the limits"),
    "json_depth": Row("60", effects.json_depth),
    "concurrent_requests": Row("8", effects.concurrent_requests, alone=True),
    "header_seconds": Row("1", effects.header_seconds),
    "body_seconds": Row("1", effects.body_seconds),
    "first_byte_seconds": Row("1", effects.first_byte_seconds),
    "idle_seconds": Row("1.5", effects.silence),
    "heartbeat_seconds": Row("0.3", effects.silence),
    "total_seconds": Row("3", effects.total_seconds),
    "grace_seconds": Row("1", why="it ends the proxy: seen with starting and stopping"),
    "chaos": Row("429=0", why="a rate would make all the others fail: seen with chaos"),
    "chaos_header": Row("true", effects.chaos_header),
    "chaos_place": Row("client", effects.chaos_header),
    "chaos_seed": Row("42", why="nothing is by chance here: seen with chaos"),
    "chaos_stall_seconds": Row("0.5", effects.chaos_stall_seconds),
    "record": Row("true", effects.record_dir),
    "record_dir": Row(lambda place: str(place.folder / "kept"), effects.record_dir),
    "record_rotate_size": Row("5m", why="it takes five megabytes: seen with the records"),
    "record_keep_days": Row("3", why=SLOW),
    "record_compress": Row("false", why="a file is compressed when the next one is begun: seen with the records"),
    "record_media": Row("true", why="seen with the records"),
    "redact": Row("true", effects.record_dir),
    "redact_patterns": Row("emails", effects.record_dir),
    "log_prompts": Row("file", effects.log_prompts),
    "prompt_log_base_name": Row("said", effects.log_prompts),
    "replay": Row("none", why="with it nobody would be asked: seen with replays"),
    "replay_timing": Row("fast", why="nothing is replayed here: seen with replays"),
}
