"""One row a setting: the value that all proxies of this test have, and what is to be seen of it."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.e2e.plain import KEYS
from tests.e2e.settings import account_effects as accounts
from tests.e2e.settings import effects
from tests.e2e.settings import record_effects as records
from tests.e2e.settings.effects import Effect
from tests.e2e.settings.ways import HOST, WORKERS, Place
from tests.fakes.kiro import API_KEY
from tests.fakes.kiro_auth import ARN
from tests.fakes.oauth import GOOGLE_CLIENT
from tests.fakes.samples import CLIENT_KEY

type Value = str | Callable[[Place], str]

OF_MITMPROXY = {"option": "mitmproxy's own option --mode says where it listens"}
OF_LOGIN = dict.fromkeys(
    ("flag", "option"), "a login is a command, which has its settings from the environment and the file"
)
OF_SERVE = {"option": "`aiclient serve` alone starts several processes, and the proxy says so"}


@dataclass(frozen=True)
class Row:
    """effect: None where it is seen in another start. alone: it is looked at when nothing else goes on. not_by: the ways by which
    it has no effect, each with the reason; there, what the proxy has made of the value is all that is looked at."""

    value: Value
    effect: Effect | None = None
    alone: bool = False
    not_by: Mapping[str, str] = field(default_factory=dict)

    def text(self, place: Place) -> str:
        return self.value if isinstance(self.value, str) else self.value(place)


def _fake(provider: str) -> Callable[[Place], str]:
    return lambda place: place.upstreams.of(provider).url


def _of(login: str, name: str) -> Callable[[Place], str]:
    return lambda place: place.stage.of(login).settings[name]


def _gemini_login(place: Place) -> str:
    return base64.b64encode(place.stage.gemini.path.read_bytes()).decode()


def _kiro_login(place: Place) -> str:
    """One of AWS, which is over, with its OAuth client in it."""
    auth = place.stage.kiro.fake.auth
    ((client, secret),) = auth.clients.items()
    login = auth.ide_login("IdC", ends_in=-10, clientId=client, clientSecret=secret)
    return base64.b64encode(json.dumps(login).encode()).decode()


def _near_its_end(place: Place) -> str:
    place.stage.qwen.log_in(ends_in=accounts.NEAR)
    return str(place.stage.qwen.path)


def _pools(place: Place) -> str:
    """One that is not reached and comes last, and one that serves nothing, whose health is looked at."""
    pooled = {"CLAUDE_API_KEY": "sk-ant-pooled", "CLAUDE_BASE_URL": "http://127.0.0.1:9", "customName": "pooled"}
    checked = {"GEMINI_API_KEY": "AIza-checked", "GEMINI_BASE_URL": place.beside.url, "customName": "checked"}
    document = {
        "claude-custom": [{**pooled, "priority": 9}],
        "gemini-custom": [{**checked, "supportedModels": ["none"], "checkHealth": True}],
    }
    return place.file("provider_pools.json", json.dumps(document))


def _failing_pools(place: Place) -> str:
    """For one model each: accounts whose keys are wrong, and one that a quota is used up of."""
    provider = "openaiResponses-custom"
    url = f"{place.upstreams.of(provider).url}/v1"
    locked = [(f"locked{number}", f"sk-unknown-{number}", "gpt-4.1-locked") for number in range(accounts.LOCKED)]
    rows = [
        {"customName": name, "OPENAI_API_KEY": key, "OPENAI_BASE_URL": url, "priority": -1, "supportedModels": [model]}
        for name, key, model in (*locked, ("spent", KEYS[provider], f"gpt-4.1-{place.way}-spent"))
    ]
    return place.file("provider_pools.json", json.dumps({provider: rows}))


_CHAT = accounts.account("openai-custom", "gpt-4.1-text")
_RESPONSES = accounts.account("openaiResponses-custom", "gpt-4.1-text")
_CLAUDE = accounts.account("claude-custom", "claude-sonnet-4-5-text")
_GEMINI = accounts.account("gemini-custom", "gemini-2.5-flash-text")
_QWEN_LOGIN = accounts.login("openai-qwen-oauth")
_KIRO_LOGIN = accounts.login("claude-kiro-oauth")
_EMPTY = base64.b64encode(b"{}").decode()

ROWS: Mapping[str, Row] = {
    "host": Row(HOST, effects.host, not_by=OF_MITMPROXY),
    "port": Row(lambda place: str(place.port), effects.port, not_by=OF_MITMPROXY),
    "workers": Row("1"),
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
    "gemini_oauth_creds_file": Row(_of("gemini-cli-oauth", "GEMINI_OAUTH_CREDS_FILE"), accounts.code_assist),
    "gemini_oauth_creds_base64": Row(_EMPTY),
    "gemini_oauth_client_id": Row(GOOGLE_CLIENT[0], accounts.code_assist),
    "gemini_oauth_client_secret": Row(GOOGLE_CLIENT[1], accounts.code_assist),
    "gemini_oauth_auth_url": Row(accounts.LOGIN_URL, accounts.gemini_oauth_auth_url, not_by=OF_LOGIN),
    "gemini_oauth_token_url": Row(_of("gemini-cli-oauth", "GEMINI_OAUTH_TOKEN_URL"), accounts.code_assist),
    "gemini_code_assist_base_url": Row(_of("gemini-cli-oauth", "GEMINI_CODE_ASSIST_BASE_URL"), accounts.code_assist),
    "project_id": Row(accounts.OTHER_PROJECT, accounts.code_assist),
    "kiro_oauth_creds_file": Row(_of("claude-kiro-oauth", "KIRO_OAUTH_CREDS_FILE")),
    "kiro_oauth_creds_base64": Row(_EMPTY),
    "kiro_api_key": Row(API_KEY, accounts.kiro),
    "kiro_base_url": Row(_of("claude-kiro-oauth", "KIRO_BASE_URL"), accounts.kiro),
    "kiro_management_base_url": Row(_of("claude-kiro-oauth", "KIRO_MANAGEMENT_BASE_URL")),
    "kiro_auth_base_url": Row(_of("claude-kiro-oauth", "KIRO_AUTH_BASE_URL")),
    "kiro_oidc_base_url": Row(_of("claude-kiro-oauth", "KIRO_OIDC_BASE_URL")),
    "kiro_wire": Row("aws-json-1.0", accounts.kiro),
    "kiro_region": Row(accounts.REGION),
    "kiro_profile_arn": Row(ARN, accounts.kiro),
    "kiro_thinking": Row("tags", accounts.kiro),
    "qwen_oauth_creds_file": Row(_of("openai-qwen-oauth", "QWEN_OAUTH_CREDS_FILE"), _QWEN_LOGIN),
    "qwen_base_url": Row(_of("openai-qwen-oauth", "QWEN_BASE_URL"), _QWEN_LOGIN),
    "qwen_oauth_base_url": Row(_of("openai-qwen-oauth", "QWEN_OAUTH_BASE_URL"), _QWEN_LOGIN),
    "cron_refresh_token": Row("false"),
    "cron_near_minutes": Row("30"),
    "provider_pools_file": Row(_pools, accounts.provider_pools_file),
    "request_max_retries": Row("1", accounts.request_max_retries),
    "account_tries": Row("9"),
    "request_base_delay": Row("20"),
    "error_rest_seconds": Row("0.1"),
    "rate_rest_seconds": Row("0.1"),
    "auth_rest_seconds": Row("0.1"),
    "quota_rest_seconds": Row("0.1"),
    "longest_rest_seconds": Row("20"),
    "account_wait_seconds": Row("0.5", accounts.account_wait_seconds),
    "health_check_seconds": Row("0.3", accounts.health_check_seconds),
    "model_provider": Row("claude-custom,openai-custom", effects.default_models),
    "routes": Row("fast=openai-custom:gpt-4.1-text", effects.routes),
    "default_models": Row("claude-custom=claude-sonnet-4-5-text", effects.default_models),
    "system_prompt_file": Row(lambda place: place.file("prompt.md", effects.PROMPT), effects.system_prompt),
    "system_prompt_mode": Row("prepend", effects.system_prompt),
    "system_prompt_replacements": Row('[{"old": "gulls; all", "new": "terns"}]', effects.system_prompt_replacements),
    "system_prompts": Row(
        lambda place: f"client:keeper=append:{place.file('keeper.md', effects.KEEPER)}; client:mate=none",
        effects.system_prompts,
    ),
    "fetch_hosts": Row("localhost,127.0.0.1", effects.fetch_hosts),
    "strict_conversion": Row("true", effects.strict_conversion),
    "body_limit": Row("64k", effects.body_limit),
    "header_limit": Row("16k", effects.header_limit),
    "stream_limit": Row("100k", effects.stream_limit),
    "json_depth": Row("60", effects.json_depth),
    "concurrent_requests": Row("8", effects.concurrent_requests, alone=True),
    "header_seconds": Row("1", effects.header_seconds),
    "body_seconds": Row("1", effects.body_seconds),
    "first_byte_seconds": Row("2.5", effects.first_byte_seconds),
    "idle_seconds": Row("1.5", effects.silence),
    "heartbeat_seconds": Row("0.3", effects.silence),
    "total_seconds": Row("3", effects.total_seconds),
    "grace_seconds": Row("1"),
    "chaos": Row("429=0"),
    "chaos_header": Row("true", effects.chaos_header),
    "chaos_place": Row("client"),
    "chaos_seed": Row(accounts.SEED),
    "chaos_stall_seconds": Row("0.5", effects.chaos_stall_seconds),
    "record": Row("true"),
    "record_dir": Row(records.record_dir, records.records),
    "record_rotate_size": Row("4k", records.record_rotate_size),
    "record_keep_days": Row("3", records.record_keep_days),
    "record_compress": Row("false", records.record_keep_days),
    "record_media": Row("true", records.record_media),
    "redact": Row("true"),
    "redact_patterns": Row("emails", records.records),
    "log_prompts": Row("file", records.log_prompts),
    "prompt_log_base_name": Row("said", records.log_prompts),
    "replay": Row("none"),
    "replay_timing": Row("fast"),
}

# Further starts: what differs from the rows above, each with what is to be seen of it there. Without an effect: what it takes.
STARTS: Mapping[str, Mapping[str, Row]] = {
    "all": {},
    "faults": {
        "kiro_api_key": Row(""),
        "kiro_oauth_creds_file": Row(""),
        "kiro_profile_arn": Row(""),
        "kiro_oauth_creds_base64": Row(_kiro_login, accounts.kiro_base64),
        "kiro_management_base_url": Row(_of("claude-kiro-oauth", "KIRO_MANAGEMENT_BASE_URL"), accounts.kiro_base64),
        "kiro_oidc_base_url": Row(_of("claude-kiro-oauth", "KIRO_OIDC_BASE_URL"), accounts.kiro_base64),
        "kiro_region": Row(accounts.REGION, accounts.kiro_base64),
        "qwen_oauth_creds_file": Row(_near_its_end),
        "cron_refresh_token": Row("false", accounts.not_renewed_ahead),
        "provider_pools_file": Row(_failing_pools),
        "request_max_retries": Row("0"),
        "request_base_delay": Row("60000", accounts.chaos),
        "error_rest_seconds": Row("5", accounts.chaos),
        "rate_rest_seconds": Row("8", accounts.rate_rest_seconds),
        "auth_rest_seconds": Row("12", accounts.auth_rest_seconds),
        "quota_rest_seconds": Row("15", accounts.quota_rest_seconds),
        "longest_rest_seconds": Row("20", accounts.longest_rest_seconds),
        "total_seconds": Row("0"),
        "grace_seconds": Row("1", effects.grace_seconds, alone=True),
        "chaos": Row("500=0.5", accounts.chaos),
        "chaos_place": Row("upstream", accounts.chaos),
        "chaos_seed": Row(accounts.SEED, accounts.chaos),
        "record": Row("false", records.nothing_kept),
        "redact": Row("false", records.nothing_kept),
    },
    "logins": {
        "workers": Row(WORKERS, effects.workers, not_by=OF_SERVE),
        "gemini_oauth_creds_file": Row(""),
        "gemini_oauth_creds_base64": Row(_gemini_login, accounts.gemini_base64),
        "kiro_api_key": Row(""),
        "kiro_wire": Row("rest-json"),
        "kiro_oauth_creds_file": Row(_of("claude-kiro-oauth", "KIRO_OAUTH_CREDS_FILE"), _KIRO_LOGIN),
        "kiro_auth_base_url": Row(_of("claude-kiro-oauth", "KIRO_AUTH_BASE_URL"), _KIRO_LOGIN),
        "qwen_oauth_creds_file": Row(_near_its_end),
        "cron_refresh_token": Row("true"),
        "cron_near_minutes": Row("30", accounts.renewed_ahead),
        "request_max_retries": Row("9"),
        "account_tries": Row("2", accounts.account_tries),
    },
    "replay": {
        "replay": Row(records.replay, records.replayed),
        "replay_timing": Row("fast", records.replayed),
    },
}


def rows_of(start: str) -> Mapping[str, Row]:
    """What is to be seen in it."""
    return ROWS if start == "all" else STARTS[start]
