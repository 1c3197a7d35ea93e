"""The seed project's `config.json` and `provider_pools.json` -> the text of an `aiclient.toml`, with a note for what is not taken over.

A key left out or null has no value there; `none` stands for that in texts and paths as well.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from addons.client_key import SAMPLE_KEYS, refuse_open_bind
from addons.settings import Settings, written
from addons.settings_prompts import read_replacements
from addons.settings_sources import allowed
from addons.toml_text import toml_line
from creds.logins import LOGINS
from creds.pool_file import MOST, OPTIONS, Definition, read_seed_file, seed_path, take_over
from creds.pool_keys import SECRETS, keys_of
from creds.store import REFERENCES

SEED_KEY = "123456"  # its fixed client key, which everybody knows
PROVIDERS = (
    *("openai-custom", "openaiResponses-custom", "claude-custom"),
    *("gemini-cli-oauth", "claude-kiro-oauth", "openai-qwen-oauth"),
)
CONFIG_LABEL = "config.json"
# The seed's key -> our setting, where the value means the same.
SAME: Mapping[str, str] = {
    "SERVER_PORT": "port",
    "SYSTEM_PROMPT_MODE": "system_prompt_mode",
    "PROMPT_LOG_MODE": "log_prompts",
    "PROMPT_LOG_BASE_NAME": "prompt_log_base_name",
    "REQUEST_MAX_RETRIES": "request_max_retries",
    "REQUEST_BASE_DELAY": "request_base_delay",
    "CRON_NEAR_MINUTES": "cron_near_minutes",
    "CRON_REFRESH_TOKEN": "cron_refresh_token",
}
_OWN_WAY = (
    *("HOST", "REQUIRED_API_KEY", "MODEL_PROVIDER", "PROVIDER_POOLS_FILE_PATH"),
    *("SYSTEM_PROMPT_FILE_PATH", "SYSTEM_PROMPT_REPLACEMENTS"),
)
_CHAINS = "chains of providers are written as routes here, see docs/routing.md"
# What it can say and we cannot: why.
NOT_TAKEN: Mapping[str, str] = {
    "KIRO_OAUTH_CREDS_DIR_PATH": "a folder does not say which login is meant: set kiro_oauth_creds_file to one file",
    "MAX_ERROR_COUNT": "an account rests after each failure here, longer each time, see docs/pools.md",
    "providerFallbackChain": _CHAINS,
    "modelFallbackMapping": _CHAINS,
}
_PROXY = "requests go out directly here, whatever the proxy variables of the process say"
_UNSET = ("", "none", "null")


@dataclass(frozen=True, slots=True)
class Converted:
    """text: of the new file, keys included. notes: what was not taken over or means something else, a sentence each."""

    text: str = field(repr=False)
    settings: int
    accounts: int
    holds_keys: bool
    notes: tuple[str, ...]


def convert(
    config: Path,
    pools: Path | None,
    providers: Collection[str],
    is_file: Callable[[Path], bool] = Path.is_file,
) -> Converted:
    """providers: the names that there are here. Raises CredentialError for a file that cannot be read."""
    document = read_seed_file(config, "config import", "a JSON object")
    seed = _Config(config, document, providers, is_file)
    pooled, own = seed.accounts(pools)
    settings = seed.settings()
    tables = seed.split(pooled, own, settings)
    if (host := settings.get("host")) and (refusal := refuse_open_bind(str(host), _key(settings))):
        del settings["host"]
        seed.notes.append(f"HOST: {refusal}; left out, so that only this machine is listened to")
    lines = ["# Made by `aiclient config import`. Keys may be replaced by env:NAME or file:PATH."]
    lines += [toml_line(name, value) for name, value in settings.items()]
    for table in tables:
        lines += ["", "[[account]]", *(toml_line(name, value) for name, value in table.items())]
    holds_keys = any(_is_key(name, value) for table in (settings, *tables) for name, value in table.items())
    notes = tuple(dict.fromkeys(seed.notes))
    return Converted("\n".join(lines) + "\n", len(settings), len(tables), holds_keys, notes)


def _is_key(name: str, value: object) -> bool:
    """Whether it is one itself, and not where one is."""
    return (name in SECRETS or name == "api_key") and not str(value).startswith(REFERENCES)


def _key(settings: Mapping[str, object]) -> str | None:
    key = settings.get("api_key")
    return str(key) if key else None


class _Config:
    """`config.json`, and what has been noted so far."""

    def __init__(
        self,
        path: Path,
        document: Mapping[str, object],
        providers: Collection[str],
        is_file: Callable[[Path], bool],
    ) -> None:
        self._path, self._providers, self._is_file = path, providers, is_file
        self._said = {key: value for key, value in document.items() if not _is_unset(key, value)}
        self.notes: list[str] = []

    def settings(self) -> dict[str, object]:
        """Those that are no account's. What is not understood is noted."""
        found: dict[str, object] = {}
        for key, value in self._said.items():
            if key in SAME:
                self._take(found, key, SAME[key], value)
            elif key in _OWN_WAY:
                self._take_own_way(found, key, value)
            elif key in NOT_TAKEN:
                self.notes.append(f"{key}: {NOT_TAKEN[key]}")
            elif key.startswith("USE_SYSTEM_PROXY_"):
                self.notes += [f"{key}: {_PROXY}"] if value is not False else []
            elif not any(keys_of(provider).ours(key) for provider in PROVIDERS):
                self.notes.append(f"{key[:60]!r} is not known here, and left out")
        return found

    def _take_own_way(self, found: dict[str, object], key: str, value: object) -> None:
        text = str(value).strip()
        match key:
            case "HOST":
                self._take(found, key, "host", "127.0.0.1" if text == "localhost" else value)
            case "REQUIRED_API_KEY" if text == SEED_KEY or text.lower() in SAMPLE_KEYS:
                self.notes.append(
                    f"REQUIRED_API_KEY: {text} is a key that everybody knows, and refused; aiclient makes one of its own at its"
                    " first start, and `aiclient key --show` prints it"
                )
            case "REQUIRED_API_KEY":
                self._take(found, key, "api_key", value)
            case "MODEL_PROVIDER":
                names = _listed(value)
                unknown = [name for name in names if name not in self._providers]
                self.notes += [f"MODEL_PROVIDER: {name[:60]!r} is no provider here: left out" for name in unknown]
                if known := [name for name in names if name in self._providers]:
                    self._take(found, key, "model_provider", known)
            case "SYSTEM_PROMPT_REPLACEMENTS":
                self._take_replacements(found, value)
            case "SYSTEM_PROMPT_FILE_PATH":
                path = seed_path(text, self._path, self._is_file)
                if self._is_file(path):
                    self._take(found, key, "system_prompt_file", str(path))
                else:
                    self.notes.append(
                        f"SYSTEM_PROMPT_FILE_PATH: there is no file {path}, so there was no prompt: left out"
                    )

    def _take_replacements(self, found: dict[str, object], value: object) -> None:
        """One that is no pair is left out, and the others are not."""
        pairs: list[dict[str, str]] = []
        for number, each in enumerate(value if isinstance(value, list) else [value], 1):
            if isinstance(each, Mapping):  # whatever else it says
                each = [each.get("old"), each.get("new")]
            try:
                pairs += read_replacements([each]).table
            except ValueError:
                self.notes.append(
                    f"SYSTEM_PROMPT_REPLACEMENTS: entry {number} is no pair of old and new text: left out"
                )
        if pairs:
            found["system_prompt_replacements"] = pairs

    def _take(self, found: dict[str, object], key: str, setting: str, value: object) -> None:
        try:
            taken = getattr(Settings(**{setting: value}), setting)  # type: ignore[arg-type]  # pydantic checks it
        except ValidationError as e:
            why = e.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
            self.notes.append(f"{key}: {setting} {allowed(setting, why)}: left out")
            return
        found[setting] = taken if isinstance(taken, bool | int | tuple) else written(taken)

    def accounts(self, pools: Path | None) -> tuple[Sequence[Definition], Sequence[Definition]]:
        """(those of the file of pools, those of `config.json` itself: at most one for each provider)."""
        path = pools or self._pools_file()
        document: Mapping[str, object] = {}
        if path is not None:
            document = read_seed_file(path, "config import", "a JSON object with a list of accounts per provider")
        own = {provider: [account] for provider in PROVIDERS if (account := self._own_account(provider))}
        return self._taken(document, path or self._path), self._taken(own, self._path)

    def _taken(self, document: Mapping[str, object], path: Path) -> Sequence[Definition]:
        found = take_over(document, path, {}, self._is_file, lambda text, *_: text)
        self.notes += found.notes
        return found.definitions

    def _pools_file(self) -> Path | None:
        said = self._said.get("PROVIDER_POOLS_FILE_PATH")
        if not isinstance(said, str):
            return None
        path = seed_path(said, self._path, self._is_file)
        if self._is_file(path):
            return path
        self.notes.append(f"PROVIDER_POOLS_FILE_PATH: there is no file {path}: no accounts are taken from it")
        return None

    def _own_account(self, provider: str) -> dict[str, object] | None:
        """As the file of pools would say it."""
        keys = keys_of(provider)
        own = {key: value for key, value in self._said.items() if keys.ours(key)}
        named = {keys.ours(key): key for key in own}
        given = [named[name] for name in keys.credentials if name in named]
        if own and not given and keys.credentials[0] in SECRETS:
            self.notes.append(
                f"{', '.join(own)}: left out, for there is no {keys.credentials[0].upper()} to go with it"
            )
            return None
        if len(given) > 1:  # a base64 wins there, a file here
            kept = next((key for key in given if key.endswith("_BASE64")), given[0])
            for key in given:
                if key != kept:
                    self.notes.append(f"{key}: left out, for {kept} wins over it")
                    del own[key]
        return {**own, "customName": CONFIG_LABEL} if own else None

    def split(
        self, pooled: Sequence[Definition], own: Sequence[Definition], settings: dict[str, object]
    ) -> list[dict[str, object]]:
        """Account tables. What `config.json` says of a provider without a pool becomes plain settings; beside a pool it is asked last,
        as it was there."""
        tables = [_table(each, each.slot.priority) for each in pooled]
        for each in own:
            peers = [other for other in pooled if other.provider == each.provider]
            same = next((other.label for other in peers if other.slot.mark == each.slot.mark), None)
            if not peers:
                settings |= each.settings
            elif same is not None:
                self.notes.append(f"{each.label} is the same account as {same}: left out")
            elif each.settings.keys() & set(keys_of(each.provider).credentials):
                label = each.label
                while label in [other.label for other in peers]:
                    label += "+"
                last = max(other.slot.priority for other in peers)
                tables.append(_table(replace(each, label=label), min(last + 1, MOST)))
            else:
                said = ", ".join(name.upper() for name in each.settings)
                self.notes.append(f"{said}: left out, for the accounts of {each.provider} in the pool have their own")
        responses, chat = (settings.get(f"openai_{api}api_key") for api in ("responses_", ""))
        if responses == chat:  # one pair of keys serves both there, and here where nothing else is said
            settings.pop("openai_responses_api_key", None)
            settings.pop("openai_responses_base_url", None)
        return tables


def _is_unset(key: str, value: object) -> bool:
    if isinstance(value, str) and value.strip().lower() in _UNSET:
        return key != "PROMPT_LOG_MODE" or not value.strip()
    return value is None or value == []


def _listed(value: object) -> list[str]:
    """A comma list, a JSON array as text, or a list."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError):
            value = json.loads(value)
    names = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    return [text for name in names if (text := str(name).strip())]


def _table(definition: Definition, priority: int) -> dict[str, object]:
    """As `creds.pool_file.read_account_tables` takes it."""
    slot, provider = definition.slot, definition.provider
    settings = dict(definition.settings)
    if not settings.keys() & set(keys_of(provider).credentials):  # the seed looks where the official tool keeps it
        login = next(login for login in LOGINS if login.provider == provider)
        settings = {login.file_setting: str(login.official()), **settings}
    options = {
        "priority": priority,
        "weight": int(slot.weight),
        "concurrency": slot.concurrency,
        "not_supported_models": sorted(slot.without_models),
        "supported_models": sorted(slot.only_models),
        "disabled": slot.disabled,
        "check_health": slot.check_health,
        "check_model": slot.check_model,
    }
    usual: Mapping[str, object] = {"priority": 0, "weight": 1}
    said = {
        name: options[name] for name in OPTIONS if options[name] != usual.get(name) and (options[name] or name in usual)
    }
    return {"provider": provider, "label": definition.label.removeprefix(f"{provider}:"), **settings, **said}
