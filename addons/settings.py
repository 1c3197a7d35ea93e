"""Every setting, in one table: name, type, default, what it does. `addons/settings_sources.py` reads them.

One name everywhere: field `model_provider`, flag `--model-provider`, variable `AICLIENT_MODEL_PROVIDER`, key `model_provider` in
`aiclient.toml`, mitmproxy option `aiclient_model_provider`.
"""

from functools import partial
from typing import Any, Literal, get_args, get_origin

from pydantic import Field, SecretStr, ValidationInfo, field_validator
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
    PromptRuleTable,
    RateTable,
    ReplacementList,
    RouteTable,
    Seconds,
    Seed,
    Size,
    TextFile,
    Url,
    parse_size,
)
from addons.settings_prompts import PromptRules, Replacements
from addons.settings_routes import DefaultModels, Routes
from converters.json_depth import DEEPEST
from converters.system_prompt import Mode

ENV_PREFIX = "AICLIENT_"
NONE = SecretStr("")


def _field(group: str, default: object, description: str, *, ge: int | None = None, le: int | None = None) -> Any:
    return Field(default=default, description=description, ge=ge, le=le, json_schema_extra={"group": group})


_listening = partial(_field, "Listening")
_accounts = partial(_field, "Accounts")
_oauth = partial(_field, "OAuth accounts")
_pools = partial(_field, "Pools and retries")
_routing = partial(_field, "Routing")
_conversion = partial(_field, "Conversion")
_limits = partial(_field, "Limits and deadlines")
_chaos = partial(_field, "Chaos")
_records = partial(_field, "Records")
_replay = partial(_field, "Replay")


class Settings(BaseSettings):
    """What a person can set. Values are checked and secrets resolved; see `addons.settings_sources.load`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    host: Host = _listening("127.0.0.1", "Address to listen on.")
    port: int = _listening(3000, "Port to listen on; 0 takes a free one.", ge=0, le=65535)
    workers: int = _listening(1, "Processes that share the port; each uses one core (`aiclient serve`).", ge=1, le=64)
    api_key: SecretStr = _listening(NONE, "Key that clients must present; generated at the first start if not set.")
    allowed_hosts: Hosts = _listening(
        (), "Host names clients may call us by, besides loopback names and the bound address."
    )
    cors_origins: Origins = _listening((), "Web origins that may call us from a browser; none by default.")

    openai_api_key: SecretStr = _accounts(NONE, "API key of OpenAI or a compatible vendor; else OPENAI_API_KEY.")
    openai_base_url: BaseUrl = _accounts(
        "https://api.openai.com/v1", "Where the OpenAI Chat API is, with or without /v1."
    )
    openai_responses_api_key: SecretStr = _accounts(
        NONE, "API key for the OpenAI Responses API; else openai_api_key, and openai_base_url with it."
    )
    openai_responses_base_url: OptionalBaseUrl = _accounts(
        "",
        "Where the OpenAI Responses API is, with or without /v1; else openai_base_url for openai_api_key, and OpenAI's own for a key of its own.",
    )
    claude_api_key: SecretStr = _accounts(NONE, "API key of Anthropic or a compatible vendor; else ANTHROPIC_API_KEY.")
    claude_base_url: BaseUrl = _accounts(
        "https://api.anthropic.com/v1", "Where the Anthropic Messages API is, with or without /v1."
    )
    gemini_api_key: SecretStr = _accounts(
        NONE, "API key of Google's Gemini API; else GEMINI_API_KEY or GOOGLE_API_KEY."
    )
    gemini_base_url: BaseUrl = _accounts(
        "https://generativelanguage.googleapis.com/v1beta", "Where the Gemini API is, with or without /v1beta."
    )

    gemini_oauth_creds_file: str = _oauth("", "Credential file of the Gemini CLI.")
    gemini_oauth_creds_base64: SecretStr = _oauth(
        NONE, "The same file's content in base64, for containers; never written anywhere."
    )
    gemini_oauth_client_id: str = _oauth(
        "", "OAuth client that the Gemini login belongs to, unless the credential file names one."
    )
    gemini_oauth_client_secret: SecretStr = _oauth(NONE, "Its secret.")
    gemini_oauth_auth_url: Url = _oauth(
        "https://accounts.google.com/o/oauth2/v2/auth", "Where a browser logs in to Google."
    )
    gemini_oauth_token_url: Url = _oauth("https://oauth2.googleapis.com/token", "Where Google's tokens are refreshed.")
    gemini_code_assist_base_url: Url = _oauth("https://cloudcode-pa.googleapis.com", "Where Gemini Code Assist is.")
    project_id: str = _oauth("", "Google Cloud project for Gemini Code Assist; empty: found by asking.")
    kiro_oauth_creds_file: str = _oauth("", "Credential file of the Kiro IDE, or the database of the Kiro CLI.")
    kiro_oauth_creds_base64: SecretStr = _oauth(
        NONE, "The same file's content in base64, for containers; never written anywhere."
    )
    kiro_api_key: SecretStr = _oauth(NONE, "API key of Kiro (`ksk_...`), its own way for other software.")
    kiro_base_url: OptionalUrl = _oauth("", "Where Kiro answers; empty: by region.")
    kiro_management_base_url: OptionalUrl = _oauth(
        "", "Where Kiro's usage limits and models are asked for; empty: as kiro_base_url."
    )
    kiro_auth_base_url: OptionalUrl = _oauth("", "Where Kiro's social logins are refreshed; empty: by region.")
    kiro_oidc_base_url: OptionalUrl = _oauth(
        "", "Where Builder ID and IAM Identity Center logins are refreshed; empty: by region."
    )
    kiro_wire: Literal["rest-json", "aws-json-1.0"] = _oauth(
        "rest-json", "How Kiro is spoken to: rest-json or aws-json-1.0."
    )
    kiro_region: str = _oauth("", "AWS region of Kiro; empty: that of the profile, else us-east-1.")
    kiro_profile_arn: str = _oauth("", "Profile that Kiro is used with; empty: that of the credential file.")
    kiro_thinking: Literal["native", "tags", "off"] = _oauth(
        "native", "How thinking is asked of Kiro: native, tags or off."
    )
    qwen_oauth_creds_file: str = _oauth("", "Credential file of Qwen Code.")
    qwen_base_url: OptionalUrl = _oauth("", "Where Qwen answers; empty: what the login says.")
    qwen_oauth_base_url: Url = _oauth("https://chat.qwen.ai", "Where Qwen's logins are made and refreshed.")
    cron_refresh_token: bool = _oauth(True, "Refresh OAuth tokens ahead of need, in the background.")
    cron_near_minutes: int = _oauth(
        15, "How long before its end a token is refreshed in the background, in minutes.", ge=1, le=1440
    )

    provider_pools_file: str = _pools(
        "", "File with several accounts per provider (`provider_pools.json`); read again when it changes."
    )
    request_max_retries: int = _pools(
        3,
        "How often a request may go again to accounts that it was tried with before; other accounts come first.",
        ge=0,
        le=100,
    )
    account_tries: int = _pools(3, "Most tries of one request with one account.", ge=1, le=100)
    request_base_delay: int = _pools(
        1000,
        "First step of the pause of an account that failed, in milliseconds; it doubles with each failure in a row.",
        ge=0,
        le=60_000,
    )
    error_rest_seconds: Seconds = _pools(30, "Longest pause of an account after errors of its provider.")
    rate_rest_seconds: Seconds = _pools(60, "Longest pause after a rate limit that names no time.")
    auth_rest_seconds: Seconds = _pools(300, "Longest pause after a credential was refused.")
    quota_rest_seconds: Seconds = _pools(3600, "Pause after a quota was used up that names no time.")
    longest_rest_seconds: Seconds = _pools(
        86_400, "Longest pause of an account, whatever its provider names; then a real request tries it."
    )
    account_wait_seconds: Seconds = _pools(5, "How long a request waits in all for accounts that rest or are busy.")

    health_check_seconds: Seconds = _pools(600, "How often accounts with `check_health` are looked at; 0 for never.")

    model_provider: Names = _routing(
        (),
        "Provider, or comma list of providers; the first gets every model whose name leads nowhere else. Empty: chosen by the model's name.",
    )
    routes: RouteTable = _routing(
        Routes(),
        "Names of models and where they go: NAME=TARGET,TARGET; NAME=TARGET, tried in order; `*` in a name is any text.",
    )
    default_models: DefaultModelTable = _routing(
        DefaultModels(), "The model that `default` stands for, by provider: PROVIDER=MODEL; PROVIDER=MODEL."
    )

    system_prompt_file: TextFile = _conversion("", "File with a system prompt of your own; read again when it changes.")
    system_prompt_mode: Mode = _conversion(
        "overwrite",
        "What becomes of the client's system prompt: overwrite, append (yours after it), prepend, or replace (texts in it).",
    )
    system_prompt_replacements: ReplacementList = _conversion(
        Replacements(), 'Texts to replace in the client\'s system prompt: [{"old": "TEXT", "new": "TEXT"}].'
    )
    system_prompts: PromptRuleTable = _conversion(
        PromptRules(),
        "System prompts by client, provider and route: WHO=MODE:FILE; WHO=MODE:FILE, the first that fits decides.",
    )
    fetch_hosts: Hosts = _conversion(
        (), "Hosts at private addresses from which images and documents may be fetched for a request."
    )
    strict_conversion: bool = _conversion(
        False, "Refuse a request when a field would be lost in conversion, instead of leaving it out."
    )

    body_limit: Size = _limits("32m", "Largest body, either way; larger ones get 413.")
    header_limit: Size = _limits("128k", "Largest head, either way; larger ones get 431.")
    stream_limit: Size = _limits("256m", "Largest size that a provider's compressed stream may unpack to.")
    json_depth: int = _limits(
        DEEPEST, "Deepest nesting of arrays and objects in a request body; deeper ones get 400.", ge=1, le=DEEPEST
    )
    concurrent_requests: int = _limits(
        1000, "Most requests under way at once; one more gets 503. 0 for no limit.", ge=0, le=1_000_000
    )
    header_seconds: Seconds = _limits(60, "Time a client has to send its request head; 0 for no limit.")
    body_seconds: Seconds = _limits(300, "Time a client has to send its request body; 0 for no limit.")
    first_byte_seconds: Seconds = _limits(60, "Time a provider has to begin its answer; 0 for no limit.")
    idle_seconds: Seconds = _limits(120, "Longest silence of a provider within a stream; 0 for no limit.")
    heartbeat_seconds: Seconds = _limits(15, "Silence after which a streaming client gets a heartbeat; 0 for none.")
    total_seconds: Seconds = _limits(0, "Longest time of one exchange; 0 for no limit.")
    grace_seconds: Seconds = _limits(20, "Time that answers under way have to end in after SIGTERM.")

    chaos: RateTable = _chaos(
        Rates(), "Share of generating calls that fail on purpose: FAULT=RATE, FAULT=RATE; empty: none."
    )
    chaos_header: bool = _chaos(False, "Let clients ask for a fault by the header x-aiclient-chaos: FAULT.")
    chaos_place: Literal["client", "upstream"] = _chaos(
        "client",
        "Who meets the faults: client, or upstream (aiclient itself, so that its retries are put to the test).",
    )
    chaos_seed: Seed = _chaos("", "Number that makes the faults the same in each run; empty: by chance.")
    chaos_stall_seconds: Seconds = _chaos(
        300, "How long a stall lasts before the connection is closed; 0: until the client leaves."
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

    replay: str = _replay("", "Records that clients are answered from, with nobody asked.")
    replay_timing: Literal["recorded", "fast"] = _replay("recorded", "When replayed answers come: recorded or fast.")

    @field_validator("*", mode="before")
    @classmethod
    def _no_number(cls, value: object, info: ValidationInfo) -> object:
        """To pydantic `true` is a number, 1."""
        if isinstance(value, bool) and info.field_name and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("must not be true or false")
        return value

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


def choices_of(name: str) -> tuple[str, ...]:
    """The words that a setting can be, () where there are more."""
    annotation = Settings.model_fields[name].annotation
    kind = getattr(annotation, "__value__", annotation)  # of a `type` statement
    return get_args(kind) if get_origin(kind) is Literal else ()


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
