"""Where settings come from, and which source wins: flag > environment > file > the vendor's own variable > default."""

import difflib
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from addons.settings import ENV_PREFIX, NAMES, SECRETS, Settings, written
from addons.settings_prompts import is_meant
from addons.settings_routes import head_of
from creds import places
from creds.account import CredentialError
from creds.store import resolve_secret

FILE_NAME = "aiclient.toml"
ACCOUNT_TABLES = "account"  # the one key of the file that is no setting
# The vendors' own variables for their tools: (setting, variable), and (URL setting, variable) where a URL goes with it.
VENDOR_VARIABLES: tuple[tuple[tuple[str, str], tuple[str, str] | None], ...] = (
    (("openai_api_key", "OPENAI_API_KEY"), ("openai_base_url", "OPENAI_BASE_URL")),
    (("claude_api_key", "ANTHROPIC_API_KEY"), ("claude_base_url", "ANTHROPIC_BASE_URL")),
    (("gemini_api_key", "GEMINI_API_KEY"), ("gemini_base_url", "GOOGLE_GEMINI_BASE_URL")),
    (("gemini_api_key", "GOOGLE_API_KEY"), ("gemini_base_url", "GOOGLE_GEMINI_BASE_URL")),
    (("kiro_api_key", "KIRO_API_KEY"), None),
    (("project_id", "GOOGLE_CLOUD_PROJECT"), None),
    (("project_id", "GOOGLE_CLOUD_PROJECT_ID"), None),
)
# Variables of ours that are not settings; names under the reserved prefixes belong to tests and benchmarks.
OTHER_VARIABLES = ("AICLIENT_HOME", "AICLIENT_CONFIG")
RESERVED = ("AICLIENT_TEST_", "AICLIENT_BENCH_")
PROVIDER_ENDINGS = ("-custom", "-oauth")  # so are the built-in ones named
# Those that `none` switches off. A key may be the word `none`, where a vendor asks for any.
MAY_BE_NONE = frozenset(
    name for name in NAMES if name not in SECRETS and not written(Settings.model_fields[name].get_default())
)
PASSWORD = re.compile(r"//[^/]*@")  # in a URL


class SettingsError(Exception):
    """A setting is unknown or its value cannot be used. One line; names the source, the setting and the cure, no secret."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and for each name where its value comes from: `--port`, `AICLIENT_PORT`, a path, `OPENAI_API_KEY`, `default`.

    account_tables: the file's `[[account]]` tables, as TOML has them.
    """

    settings: Settings
    origin: Mapping[str, str]
    file: Path | None
    account_tables: object = field(default=(), repr=False)


def home() -> Path:
    """The folder for the client key and everything else that is ours to keep."""
    return places.home(os.environ)


def config_file() -> Path | None:
    """The one settings file that is read: `AICLIENT_CONFIG`, else `./aiclient.toml`, else the one in `home()`."""
    if named := os.environ.get("AICLIENT_CONFIG"):
        path = Path(named).expanduser()
        if not path.is_file():
            raise SettingsError(f"AICLIENT_CONFIG: there is no file {path}")
        return path
    return next((path for path in (Path(FILE_NAME), home() / FILE_NAME) if path.is_file()), None)


def load(flags: Mapping[str, object] | None = None) -> Loaded:
    """Read all sources. flags: setting name -> value as typed; None values count as not given.

    Raises SettingsError. Reads `os.environ` and at most one file; changes nothing.
    """
    _refuse_unknown_variables()
    path = config_file()
    values: dict[str, object] = {}
    origin = dict.fromkeys(NAMES, "default")
    from_file = _from_file(path) if path else {}
    tables = from_file.pop(ACCOUNT_TABLES, [])
    for source, layer in (
        ("file", from_file),
        ("environment", EnvSettingsSource(Settings)()),
        ("flag", {name: value for name, value in (flags or {}).items() if value is not None}),
    ):
        for name, value in layer.items():
            values[name] = value
            origin[name] = {"file": str(path), "environment": ENV_PREFIX + name.upper(), "flag": flag(name)}[source]
    for name, variable_ in _vendors_own(values).items():
        values[name], origin[name] = os.environ[variable_].strip(), variable_
    try:
        settings = Settings(**_resolved(values, origin, path))  # type: ignore[arg-type]  # checked by pydantic, that is the point
    except ValidationError as e:
        raise SettingsError(_explained(e, values, origin)) from None  # the cause may quote a secret
    return Loaded(settings, origin, path, tables)


def refuse_unknown_providers(settings: Settings, known: Collection[str]) -> None:
    """SettingsError if `model_provider`, `default_models`, `system_prompts` or a target in `routes` names a provider that is not
    among `known`, or `system_prompts` a route that is not in `routes`.

    A target may also be a plain model name with `:` and `/` in it (`llama3:8b`, `openai/gpt-5`): only what looks like a
    provider's name is taken for a wrong one.
    """
    for setting, names in (
        ("model_provider", settings.model_provider),
        ("default_models", settings.default_models.table),
    ):
        for name in names:
            if name not in known:
                near = _like(name, known, 0.6)
                raise SettingsError(f"{setting}: there is no provider {name!r}; {_meant(near, known)}")
    _refuse_idle_rules(settings, known)
    for target in (target for row in settings.routes.rows for target in row.targets):
        name = head_of(target)
        if name in known:
            continue
        near = _like(name, known, 0.6 if target.startswith(name + ":") else 0.8)
        if near or name.endswith(PROVIDER_ENDINGS):
            cure = f"{_meant(near, known)} (for a model of this name write PROVIDER:{target})"
            raise SettingsError(f"routes: there is no provider {name!r}; {cure}")


def _refuse_idle_rules(settings: Settings, known: Collection[str]) -> None:
    """SettingsError for a system prompt that nobody would ever get."""
    names: Mapping[str, Collection[str]] = {"provider": known, "route": [row.name for row in settings.routes.rows]}
    for kind, name in (each for rule in settings.system_prompts.rows for each in rule.who):
        there = names.get(kind)
        if there is not None and not any(is_meant(kind, name, each) for each in there):
            near = difflib.get_close_matches(name, there, 1)
            hint = _meant(near[0] if near else None, there or ("none",))
            raise SettingsError(f"system_prompts: there is no {kind} {name!r}; {hint}")


def _like(name: str, known: Collection[str], cutoff: float) -> str | None:
    """The provider whose name is nearest, whatever the case. `demo` is like too many models."""
    names = {found.lower(): found for found in known if "-" in found}
    near = difflib.get_close_matches(name.lower(), names, 1, cutoff)
    return names[near[0]] if near else None


def _meant(near: str | None, known: Collection[str]) -> str:
    return f"did you mean {near}?" if near else f"there are {', '.join(known)}"


def _vendors_own(values: Mapping[str, object]) -> dict[str, str]:
    """Settings that the vendors' own variables name, for accounts that nothing else names: setting -> variable.

    A key goes only where its owner's SDKs would send it, so the URL is taken along with it. A shell that was set up for a
    client of ours (our key, or our address) names no account.
    """
    found: dict[str, str] = {}
    for (key_name, key_variable), address in VENDOR_VARIABLES:
        url_name, url_variable = address or ("", "")
        key, url = (os.environ.get(name, "").strip() for name in (key_variable, url_variable))
        if not key or key_name in values or key_name in found or key.startswith("aic-") or _is_us(url, values):
            continue
        found[key_name] = key_variable
        if url and url_name not in values:
            found[url_name] = url_variable
    return found


def _is_us(url: str, values: Mapping[str, object]) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.hostname in ("127.0.0.1", "localhost", "::1") and str(port) == str(values.get("port", 3000))


def flag(name: str) -> str:
    """`model_provider` -> `--model-provider`."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """`model_provider` -> `AICLIENT_MODEL_PROVIDER`."""
    return ENV_PREFIX + name.upper()


def _refuse_unknown_variables() -> None:
    known = {variable(name) for name in NAMES} | set(OTHER_VARIABLES)
    for name in os.environ:
        if name.startswith(ENV_PREFIX) and not name.startswith(RESERVED) and name not in known:
            raise SettingsError(f"environment variable {name} is not a setting{_nearest(name, known)}")


def _from_file(path: Path) -> dict[str, object]:
    try:
        layer: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise SettingsError(f"{path}: not TOML: {e}") from None
    except OSError as e:
        raise SettingsError(f"{path}: {e.strerror}") from e
    for name in layer:
        if name not in NAMES and name != ACCOUNT_TABLES:
            raise SettingsError(f"{path}: {name} is not a setting{_nearest(name, set(NAMES))}")
    for table, content in layer.items():
        if isinstance(content, dict) and (misplaced := next((name for name in content if name in NAMES), None)):
            raise SettingsError(
                f"{path}: {misplaced} stands in [{table}], which takes all lines below it: move it above"
            )
    return layer


def _nearest(name: str, known: set[str]) -> str:
    found = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {found[0]}?" if found else "; `aiclient config show` lists them all"


def is_own(path: Path | None) -> bool:
    """Whether a settings file may have programs run: the one in `home()`, and not one that may have come with a folder."""
    try:
        return path is not None and path.absolute().parent.resolve() == home().resolve()
    except OSError:
        return False


def _resolved(values: Mapping[str, object], origin: Mapping[str, str], path: Path | None) -> dict[str, object]:
    """The values with `none` read as nothing where a setting may be empty, and references in secrets (`env:NAME`, `file:PATH`,
    `command:...`) looked up."""
    resolved: dict[str, object] = {name: "" if _is_none(name, value) else value for name, value in values.items()}
    for name in SECRETS & values.keys():
        value = values[name]
        if not isinstance(value, str):
            continue  # pydantic says what is wrong with it
        try:
            from_file = origin[name] == str(path)
            where = f"{path}: {name}" if from_file else origin[name]
            may_run = not from_file or is_own(path)
            resolved[name] = resolve_secret(value.strip(), where, os.environ, may_run=may_run)
        except CredentialError as e:
            raise SettingsError(str(e)) from None
    return resolved


def _is_none(name: str, value: object) -> bool:
    return name in MAY_BE_NONE and isinstance(value, str) and value.strip().lower() == "none"


def _explained(error: ValidationError, values: Mapping[str, object], origin: Mapping[str, str]) -> str:
    """The first thing wrong, in one line: who said what, and what would be right."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(first["loc"][0])
    if name not in NAMES:
        return f"{name} is not a setting{_nearest(name, set(NAMES))}"
    text = PASSWORD.sub("//***@", written(values[name]))
    said = "" if name in SECRETS or isinstance(values[name], dict) else f" = {text!r}"
    where = origin[name] if origin[name] in (flag(name), variable(name)) else f"{origin[name]}: {name}"
    return f"{where}{said}: {allowed(name, first['msg'])}"


def allowed(name: str, said: str) -> str:
    """What a setting takes. said: pydantic's message, which is ours for most types."""
    field = Settings.model_fields[name]
    least = next((m.ge for m in field.metadata if hasattr(m, "ge")), None)
    most = next((m.le for m in field.metadata if hasattr(m, "le")), None)
    if field.annotation is bool:
        return "must be true or false"
    if field.annotation is int:
        return f"must be a whole number from {least} to {most}"
    if field.annotation is float:
        return f"must be a number of seconds from {least} to {most}"
    return said.removeprefix("Value error, ").replace("Input should be", "must be", 1)
