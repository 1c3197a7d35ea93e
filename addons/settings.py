"""Every setting, in one table: name, type, default, what it does. `addons/settings_sources.py` reads them.

One name everywhere: field `model_provider`, flag `--model-provider`, variable `AICLIENT_MODEL_PROVIDER`, key `model_provider` in
`aiclient.toml`, mitmproxy option `aiclient_model_provider`.
"""

from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from addons.chaos_plan import Rates
from addons.setting_types import (
    BaseUrl,
    Days,
    DefaultModelTable,
    Host,
    Hosts,
    Names,
    OptionalBaseUrl,
    OptionalUrl,
    Origins,
    Patterns,
    RateTable,
    RouteTable,
    Seconds,
    Seed,
    Size,
    TextFile,
    Url,
    parse_size,
)
from addons.settings_routes import DefaultModels, Routes
from converters.json_depth import DEEPEST
from converters.system_prompt import Mode

ENV_PREFIX = "AICLIENT_"
NONE = SecretStr("")


def _group(name: str) -> dict[str, Any]:
    return {"group": name}


LISTENING, ACCOUNTS, OAUTH, POOLS, ROUTING, CONVERSION, LIMITS, CHAOS, RECORDS, REPLAY = map(
    _group,
    (
        *("Listening", "Accounts", "OAuth accounts", "Pools and retries"),
        *("Routing", "Conversion", "Limits and deadlines", "Chaos", "Records", "Replay"),
    ),
)


def _records(default: object, description: str) -> Any:
    return Field(default=default, description=description, json_schema_extra=RECORDS)


class Settings(BaseSettings):
    """What a person can set. Values are checked and secrets resolved; see `addons.settings_sources.load`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    host: Host = Field(default="127.0.0.1", description="Address to listen on.", json_schema_extra=LISTENING)
    port: int = Field(
        default=3000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.", json_schema_extra=LISTENING
    )
    api_key: SecretStr = Field(
        default=NONE,
        description="Key that clients must present; generated at the first start if not set.",
        json_schema_extra=LISTENING,
    )
    allowed_hosts: Hosts = Field(
        default=(),
        description="Host names clients may call us by, besides loopback names and the bound address.",
        json_schema_extra=LISTENING,
    )
    cors_origins: Origins = Field(
        default=(),
        description="Web origins that may call us from a browser; none by default.",
        json_schema_extra=LISTENING,
    )

    openai_api_key: SecretStr = Field(
        default=NONE,
        description="API key of OpenAI or a compatible vendor; else OPENAI_API_KEY.",
        json_schema_extra=ACCOUNTS,
    )
    openai_base_url: BaseUrl = Field(
        default="https://api.openai.com/v1",
        description="Where the OpenAI Chat API is, with or without /v1.",
        json_schema_extra=ACCOUNTS,
    )
    openai_responses_api_key: SecretStr = Field(
        default=NONE,
        description="API key for the OpenAI Responses API; else openai_api_key, and openai_base_url with it.",
        json_schema_extra=ACCOUNTS,
    )
    openai_responses_base_url: OptionalBaseUrl = Field(
        default="",
        description="Where the OpenAI Responses API is, with or without /v1; else openai_base_url for openai_api_key, and OpenAI's own for a key of its own.",
        json_schema_extra=ACCOUNTS,
    )
    claude_api_key: SecretStr = Field(
        default=NONE,
        description="API key of Anthropic or a compatible vendor; else ANTHROPIC_API_KEY.",
        json_schema_extra=ACCOUNTS,
    )
    claude_base_url: BaseUrl = Field(
        default="https://api.anthropic.com/v1",
        description="Where the Anthropic Messages API is, with or without /v1.",
        json_schema_extra=ACCOUNTS,
    )
    gemini_api_key: SecretStr = Field(
        default=NONE,
        description="API key of Google's Gemini API; else GEMINI_API_KEY or GOOGLE_API_KEY.",
        json_schema_extra=ACCOUNTS,
    )
    gemini_base_url: BaseUrl = Field(
        default="https://generativelanguage.googleapis.com/v1beta",
        description="Where the Gemini API is, with or without /v1beta.",
        json_schema_extra=ACCOUNTS,
    )

    gemini_oauth_creds_file: str = Field(
        default="",
        description="Credential file of the Gemini CLI.",
        json_schema_extra=OAUTH,
    )
    gemini_oauth_creds_base64: SecretStr = Field(
        default=NONE,
        description="The same file's content in base64, for containers; never written anywhere.",
        json_schema_extra=OAUTH,
    )
    gemini_oauth_client_id: str = Field(
        default="",
        description="OAuth client that the Gemini login belongs to, unless the credential file names one.",
        json_schema_extra=OAUTH,
    )
    gemini_oauth_client_secret: SecretStr = Field(
        default=NONE,
        description="Its secret.",
        json_schema_extra=OAUTH,
    )
    gemini_oauth_auth_url: Url = Field(
        default="https://accounts.google.com/o/oauth2/v2/auth",
        description="Where a browser logs in to Google.",
        json_schema_extra=OAUTH,
    )
    gemini_oauth_token_url: Url = Field(
        default="https://oauth2.googleapis.com/token",
        description="Where Google's tokens are refreshed.",
        json_schema_extra=OAUTH,
    )
    gemini_code_assist_base_url: Url = Field(
        default="https://cloudcode-pa.googleapis.com",
        description="Where Gemini Code Assist is.",
        json_schema_extra=OAUTH,
    )
    project_id: str = Field(
        default="",
        description="Google Cloud project for Gemini Code Assist; empty: found by asking.",
        json_schema_extra=OAUTH,
    )
    kiro_oauth_creds_file: str = Field(
        default="",
        description="Credential file of the Kiro IDE, or the database of the Kiro CLI.",
        json_schema_extra=OAUTH,
    )
    kiro_oauth_creds_base64: SecretStr = Field(
        default=NONE,
        description="The same file's content in base64, for containers; never written anywhere.",
        json_schema_extra=OAUTH,
    )
    kiro_api_key: SecretStr = Field(
        default=NONE,
        description="API key of Kiro (`ksk_...`), its own way for other software.",
        json_schema_extra=OAUTH,
    )
    kiro_base_url: OptionalUrl = Field(
        default="",
        description="Where Kiro answers; empty: by region.",
        json_schema_extra=OAUTH,
    )
    kiro_management_base_url: OptionalUrl = Field(
        default="",
        description="Where Kiro's usage limits and models are asked for; empty: as kiro_base_url.",
        json_schema_extra=OAUTH,
    )
    kiro_auth_base_url: OptionalUrl = Field(
        default="",
        description="Where Kiro's social logins are refreshed; empty: by region.",
        json_schema_extra=OAUTH,
    )
    kiro_oidc_base_url: OptionalUrl = Field(
        default="",
        description="Where Builder ID and IAM Identity Center logins are refreshed; empty: by region.",
        json_schema_extra=OAUTH,
    )
    kiro_wire: Literal["rest-json", "aws-json-1.0"] = Field(
        default="rest-json",
        description="How Kiro is spoken to: rest-json or aws-json-1.0.",
        json_schema_extra=OAUTH,
    )
    kiro_region: str = Field(
        default="",
        description="AWS region of Kiro; empty: that of the profile, else us-east-1.",
        json_schema_extra=OAUTH,
    )
    kiro_profile_arn: str = Field(
        default="",
        description="Profile that Kiro is used with; empty: that of the credential file.",
        json_schema_extra=OAUTH,
    )
    kiro_thinking: Literal["native", "tags", "off"] = Field(
        default="native",
        description="How thinking is asked of Kiro: native, tags or off.",
        json_schema_extra=OAUTH,
    )
    qwen_oauth_creds_file: str = Field(
        default="",
        description="Credential file of Qwen Code.",
        json_schema_extra=OAUTH,
    )
    qwen_base_url: OptionalUrl = Field(
        default="",
        description="Where Qwen answers; empty: what the login says.",
        json_schema_extra=OAUTH,
    )
    qwen_oauth_base_url: Url = Field(
        default="https://chat.qwen.ai",
        description="Where Qwen's logins are made and refreshed.",
        json_schema_extra=OAUTH,
    )
    cron_refresh_token: bool = Field(
        default=True,
        description="Refresh OAuth tokens ahead of need, in the background.",
        json_schema_extra=OAUTH,
    )
    cron_near_minutes: int = Field(
        default=15,
        ge=1,
        le=1440,
        description="How long before its end a token is refreshed in the background, in minutes.",
        json_schema_extra=OAUTH,
    )

    provider_pools_file: str = Field(
        default="",
        description="File with several accounts per provider (`provider_pools.json`); read again when it changes.",
        json_schema_extra=POOLS,
    )
    request_max_retries: int = Field(
        default=3,
        ge=0,
        le=100,
        description="How often a request may go again to accounts that it was tried with before; other accounts come first.",
        json_schema_extra=POOLS,
    )
    account_tries: int = Field(
        default=3,
        ge=1,
        le=100,
        description="Most tries of one request with one account.",
        json_schema_extra=POOLS,
    )
    request_base_delay: int = Field(
        default=1000,
        ge=0,
        le=60_000,
        description="First step of the pause of an account that failed, in milliseconds; it doubles with each failure in a row.",
        json_schema_extra=POOLS,
    )
    error_rest_seconds: Seconds = Field(
        default=30, description="Longest pause of an account after errors of its provider.", json_schema_extra=POOLS
    )
    rate_rest_seconds: Seconds = Field(
        default=60,
        description="Longest pause after a rate limit that names no time.",
        json_schema_extra=POOLS,
    )
    auth_rest_seconds: Seconds = Field(
        default=300, description="Longest pause after a credential was refused.", json_schema_extra=POOLS
    )
    quota_rest_seconds: Seconds = Field(
        default=3600, description="Pause after a quota was used up that names no time.", json_schema_extra=POOLS
    )
    longest_rest_seconds: Seconds = Field(
        default=86_400,
        description="Longest pause of an account, whatever its provider names; then a real request tries it.",
        json_schema_extra=POOLS,
    )
    account_wait_seconds: Seconds = Field(
        default=5,
        description="How long a request waits in all for accounts that rest or are busy.",
        json_schema_extra=POOLS,
    )

    health_check_seconds: Seconds = Field(
        default=600,
        description="How often accounts with `check_health` are looked at; 0 for never.",
        json_schema_extra=POOLS,
    )

    model_provider: Names = Field(
        default=(),
        description="Provider, or comma list of providers; the first gets every model whose name leads nowhere else. Empty: chosen by the model's name.",
        json_schema_extra=ROUTING,
    )
    routes: RouteTable = Field(
        default=Routes(),
        description="Names of models and where they go: NAME=TARGET,TARGET; NAME=TARGET, tried in order; `*` in a name is any text.",
        json_schema_extra=ROUTING,
    )
    default_models: DefaultModelTable = Field(
        default=DefaultModels(),
        description="The model that `default` stands for, by provider: PROVIDER=MODEL; PROVIDER=MODEL.",
        json_schema_extra=ROUTING,
    )

    system_prompt_file: TextFile = Field(
        default="",
        description="File with a system prompt of your own; read again when it changes.",
        json_schema_extra=CONVERSION,
    )
    system_prompt_mode: Mode = Field(
        default="overwrite",
        description="Where your system prompt goes: overwrite, append (after the client's) or prepend.",
        json_schema_extra=CONVERSION,
    )
    fetch_hosts: Hosts = Field(
        default=(),
        description="Hosts at private addresses from which images and documents may be fetched for a request.",
        json_schema_extra=CONVERSION,
    )
    strict_conversion: bool = Field(
        default=False,
        description="Refuse a request when a field would be lost in conversion, instead of leaving it out.",
        json_schema_extra=CONVERSION,
    )

    body_limit: Size = Field(
        default="32m", description="Largest body, either way; larger ones get 413.", json_schema_extra=LIMITS
    )
    header_limit: Size = Field(
        default="128k", description="Largest head, either way; larger ones get 431.", json_schema_extra=LIMITS
    )
    stream_limit: Size = Field(
        default="256m",
        description="Largest size that a provider's compressed stream may unpack to.",
        json_schema_extra=LIMITS,
    )
    json_depth: int = Field(
        default=DEEPEST,
        ge=1,
        le=DEEPEST,
        description="Deepest nesting of arrays and objects in a request body; deeper ones get 400.",
        json_schema_extra=LIMITS,
    )
    concurrent_requests: int = Field(
        default=1000,
        ge=0,
        le=1_000_000,
        description="Most requests under way at once; one more gets 503. 0 for no limit.",
        json_schema_extra=LIMITS,
    )
    header_seconds: Seconds = Field(
        default=60, description="Time a client has to send its request head; 0 for no limit.", json_schema_extra=LIMITS
    )
    body_seconds: Seconds = Field(
        default=300, description="Time a client has to send its request body; 0 for no limit.", json_schema_extra=LIMITS
    )
    first_byte_seconds: Seconds = Field(
        default=60, description="Time a provider has to begin its answer; 0 for no limit.", json_schema_extra=LIMITS
    )
    idle_seconds: Seconds = Field(
        default=120,
        description="Longest silence of a provider within a stream; 0 for no limit.",
        json_schema_extra=LIMITS,
    )
    heartbeat_seconds: Seconds = Field(
        default=15,
        description="Silence after which a streaming client gets a heartbeat; 0 for none.",
        json_schema_extra=LIMITS,
    )
    total_seconds: Seconds = Field(
        default=0, description="Longest time of one exchange; 0 for no limit.", json_schema_extra=LIMITS
    )
    grace_seconds: Seconds = Field(
        default=20,
        description="Time that answers under way have to end in after SIGTERM.",
        json_schema_extra=LIMITS,
    )

    chaos: RateTable = Field(
        default=Rates(),
        description="Share of generating calls that fail on purpose: FAULT=RATE, FAULT=RATE; empty: none.",
        json_schema_extra=CHAOS,
    )
    chaos_header: bool = Field(
        default=False,
        description="Let clients ask for a fault by the header x-aiclient-chaos: FAULT.",
        json_schema_extra=CHAOS,
    )
    chaos_place: Literal["client", "upstream"] = Field(
        default="client",
        description="Who meets the faults: client, or upstream (aiclient itself, so that its retries are put to the test).",
        json_schema_extra=CHAOS,
    )
    chaos_seed: Seed = Field(
        default="",
        description="Number that makes the faults the same in each run; empty: by chance.",
        json_schema_extra=CHAOS,
    )
    chaos_stall_seconds: Seconds = Field(
        default=300,
        description="How long a stall lasts before the connection is closed; 0: until the client leaves.",
        json_schema_extra=CHAOS,
    )

    record: bool = _records(True, "Keep a record of every exchange.")
    record_dir: str = _records("", "Folder for the records; empty: `records` in AICLIENT_HOME.")
    record_rotate_size: Size = _records("256m", "Size at which the next file of a day is begun.")
    record_keep_days: Days = _records(0, "Days after which records are deleted; 0: never.")
    record_compress: bool = _records(True, "Compress files of records that are done (zstd).")
    record_media: bool = _records(False, "Keep pictures and files too, not only their hash and size.")
    redact: bool = _records(True, "Take out of records what looks like a credential.")
    redact_patterns: Patterns = _records((), "What to redact besides: emails, paths, or regular expressions.")
    log_prompts: Literal["none", "console", "file"] = _records(
        "none", "Where a readable transcript of every exchange goes: none, console or file."
    )
    prompt_log_base_name: str = _records("prompt_log", "Beginning of the transcript file's name and path.")

    replay: str = Field(
        default="", description="Records that clients are answered from, with nobody asked.", json_schema_extra=REPLAY
    )
    replay_timing: Literal["recorded", "fast"] = Field(
        default="recorded", description="When replayed answers come: recorded or fast.", json_schema_extra=REPLAY
    )

    @property
    def body_limit_bytes(self) -> int:
        """`body_limit` as a number."""
        return parse_size(self.body_limit)

    @property
    def header_limit_bytes(self) -> int:
        """`header_limit` as a number."""
        return parse_size(self.header_limit)

    @property
    def stream_limit_bytes(self) -> int:
        """`stream_limit` as a number."""
        return parse_size(self.stream_limit)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands in: it layers the sources itself, to be able to say where each value comes from."""
        return (init_settings,)


NAMES = tuple(Settings.model_fields)
SECRETS = frozenset(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)


def group_of(name: str) -> str:
    """The heading a setting stands under in help texts."""
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra["group"]) if isinstance(extra, dict) else ""


def written(value: object) -> str:
    """A setting's value as a person would write it in a flag; a secret comes out as it is."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case bool():
            return "true" if value else "false"
        case tuple():
            return ",".join(map(str, value))
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
