"""Accounts of a pool as people write them: the seed project's `provider_pools.json`, read as it is, and `[[account]]` tables.

The two differ in patience. The seed's file was made by another program, holds that program's own state and providers that we do not
have: what cannot be taken over is named in a note, and all the rest is. A table is written for us: a flaw in it is an error.
"""

import difflib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from creds.account import CredentialError
from creds.pool_keys import FILES, SECRETS, SEED_ENDPOINTS, SETTINGS, checked, keys_of
from creds.slot import Slot
from creds.store import resolve_secret

MAX_BYTES = 8 * 1024 * 1024
LONGEST_LABEL = 60
MOST = 10_000  # of any number in a slot's options

# What the seed keeps in its file for itself: ours is in a file of its own, and begins anew.
SEED_STATE = frozenset(
    "isHealthy lastUsed usageCount errorCount lastErrorTime lastErrorMessage lastHealthCheckTime lastHealthCheckModel"
    " refreshCount lastRefreshTime needsRefresh scheduledRecoveryTime rateLimitHits uuid customName".split()
)
# The seed's word for a slot's option -> ours.
SEED_OPTIONS: Mapping[str, str] = {
    "priority": "priority",
    "weight": "weight",
    "concurrencyLimit": "concurrency",
    "notSupportedModels": "not_supported_models",
    "supportedModels": "supported_models",
    "isDisabled": "disabled",
    "checkHealth": "check_health",
    "checkModelName": "check_model",
}
LEAST: Mapping[str, int] = {"priority": -MOST, "weight": 1, "concurrency": 0}
LISTS = ("not_supported_models", "supported_models")
FLAGS = ("disabled", "check_health")
OPTIONS = (*LEAST, *LISTS, *FLAGS, "check_model")


@dataclass(frozen=True, slots=True)
class Definition:
    """An account to be made. settings: by name, in place of those that hold for all; secrets among them, looked up already."""

    provider: str
    label: str
    settings: Mapping[str, str] = field(repr=False)
    slot: Slot


@dataclass(frozen=True, slots=True)
class Imported:
    """notes: what could not be taken over, a sentence each."""

    definitions: tuple[Definition, ...]
    notes: tuple[str, ...]


# --- the seed's file ---


type Resolve = Callable[[str, str, Mapping[str, str]], str]


def read_pools_file(path: Path, environ: Mapping[str, str], is_file: Callable[[Path], bool] = Path.is_file) -> Imported:
    """`{provider: [account, ...]}`. Raises CredentialError if the file cannot be read or is something else."""
    document = read_seed_file(path, "provider_pools_file", "a JSON object with a list of accounts per provider")
    return take_over(document, path, environ, is_file)


def read_seed_file(path: Path, who: str, what: str) -> dict[str, object]:
    """A file that is a JSON object. Raises CredentialError, which begins with `who` and says that it should be `what`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as e:
        raise CredentialError(f"{who}: cannot read {path}: {e.strerror}") from e
    if len(content) > MAX_BYTES:
        raise CredentialError(f"{who}: {path} is larger than {MAX_BYTES} bytes; is it the right file?")
    why = ""
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as e:  # the error itself holds the file's text, and that holds keys
        document, why = None, f": {e.msg} in line {e.lineno}, column {e.colno}"
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise CredentialError(f"{who}: {path} is not {what}{why}")
    return document


def take_over(
    document: Mapping[str, object],
    path: Path,
    environ: Mapping[str, str],
    is_file: Callable[[Path], bool] = Path.is_file,
    resolve: Resolve = resolve_secret,
) -> Imported:
    """The accounts of a document of that form. path: where it is from. resolve: makes a secret of what is written."""
    seed = _Seed(path, environ, is_file, resolve)
    for provider, accounts in document.items():
        seed.provider(provider, accounts)
    return Imported(tuple(seed.definitions), tuple(seed.notes))


def seed_path(text: str, file: Path, is_file: Callable[[Path], bool] = Path.is_file) -> Path:
    """A path in one of the seed's files. It takes relative ones from the folder that it was started in; its own files are there or
    in `configs/`."""
    path = Path(text).expanduser()
    if path.is_absolute():
        return path
    folder = file.absolute().parent
    places = [folder / path, folder.parent / path, Path.cwd() / path]
    return next((place for place in places if is_file(place)), places[0])


class _Seed:
    """What has been taken over so far."""

    def __init__(
        self, path: Path, environ: Mapping[str, str], is_file: Callable[[Path], bool], resolve: Resolve
    ) -> None:
        self._path, self._environ, self._is_file, self._resolve = path, environ, is_file, resolve
        self._labels: set[str] = set()
        self._marks: dict[str, str] = {}
        self.definitions: list[Definition] = []
        self.notes: list[str] = []

    def provider(self, provider: str, accounts: object) -> None:
        if provider not in SETTINGS:
            number = len(accounts) if isinstance(accounts, list) else 0
            self.notes.append(f"{_shown(provider)} is no provider here: {number} accounts left out")
        elif not isinstance(accounts, list):
            self.notes.append(f"{provider} is not a list of accounts: left out")
        else:
            for number, account in enumerate(accounts, 1):
                if isinstance(account, dict):
                    self._account(provider, number, account)
                else:
                    self.notes.append(f"account {number} of {provider} is not an object: left out")

    def _account(self, provider: str, number: int, account: Mapping[str, object]) -> None:
        label = _free(provider, _named(account, number), self._labels)
        keys, settings, options = keys_of(provider), dict[str, str](), dict[str, object]()
        for key, value in account.items():
            name = keys.ours(key)
            if key in SEED_STATE or key.startswith("_") or value is None or value == "":
                continue
            if name is not None:
                try:
                    self._setting(settings, name, key, value, label)
                except CredentialError as e:
                    self.notes.append(f"{e}: the account is left out")
                    return
            elif key in SEED_OPTIONS:
                self._option(options, key, value, label)
            elif not (key.startswith("USE_SYSTEM_PROXY_") and value is False):
                self.notes.append(f"{label}: {_shown(key)} is not known here, and ignored")
        if not settings.keys() & set(keys.credentials) and keys.credentials[0] in SECRETS:
            self.notes.append(f"{label} has no {keys.credentials[0].upper()}: the account is left out")
            return
        mark = mark_of(provider, settings)
        if mark in self._marks:
            self.notes.append(f"{label} is the same account as {self._marks[mark]}: left out")
            return
        self._labels.add(label)
        self._marks[mark] = label
        self.definitions.append(Definition(provider, label, settings, _slot(provider, label, options, mark)))

    def _setting(self, settings: dict[str, str], name: str, key: str, value: object, label: str) -> None:
        if not isinstance(value, str):
            raise CredentialError(f"{label}: {key} is not text")
        where = f"{self._path}: {label}"
        text = value.strip()
        if name in SECRETS:
            text = self._resolve(text, f"{where}: {key}", self._environ)
        if name in FILES:
            text = str(seed_path(text, self._path, self._is_file))
        elif name in SEED_ENDPOINTS and "{{region}}" in text:
            return  # the seed's own default, which is ours as well
        text = text.removesuffix(SEED_ENDPOINTS.get(name, ""))
        settings[name] = checked(name, text, label)

    def _option(self, options: dict[str, object], key: str, value: object, label: str) -> None:
        try:
            options[SEED_OPTIONS[key]] = _option_value(SEED_OPTIONS[key], value)
        except ValueError as e:
            self.notes.append(f"{label}: {key} {e}: ignored")


def _named(account: Mapping[str, object], number: int) -> str:
    for key in ("customName", "uuid"):
        value = account.get(key)
        if isinstance(value, str) and (name := _clean(value)):
            return name
    return str(number)


def _clean(text: str) -> str:
    """Fit for logs and pages, and short."""
    name = "".join(c if c.isalnum() or c in "-_.@+()" else "-" for c in text.strip())
    return name[:LONGEST_LABEL].strip("-")


def _free(provider: str, name: str, taken: Collection[str]) -> str:
    number, free = 2, f"{provider}:{name}"
    while free in taken:
        end = f"-{number}"
        free, number = f"{provider}:{name[: LONGEST_LABEL - len(end)]}{end}", number + 1
    return free


# --- [[account]] tables ---


def read_account_tables(tables: object, environ: Mapping[str, str], *, may_run: bool = False) -> tuple[Definition, ...]:
    """What TOML makes of `[[account]]`: a list of tables. Raises CredentialError, one line that names table, key and cure.

    may_run: whether the file is one that may have programs run for a secret.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise CredentialError("account must be tables, each headed [[account]]")
    definitions: list[Definition] = []
    for number, table in enumerate(tables, 1):
        definition = _table(table, number, environ, may_run)
        for other in definitions:
            if other.label == definition.label:
                raise CredentialError(
                    f"[[account]] {number}: there is a {definition.label} already; give it another label"
                )
            if other.slot.mark == definition.slot.mark:
                raise CredentialError(f"[[account]] {number}: {definition.label} is the same account as {other.label}")
        definitions.append(definition)
    return tuple(definitions)


def _table(table: Mapping[str, object], number: int, environ: Mapping[str, str], may_run: bool) -> Definition:
    where = f"[[account]] {number}"
    provider = table.get("provider")
    if not isinstance(provider, str) or provider not in SETTINGS:
        said = f"there is no provider {_shown(provider)}" if provider else "it has no provider"
        near = _nearest(str(provider), SETTINGS) if provider else ""
        raise CredentialError(f"{where}: {said}; {near or 'there are ' + ', '.join(SETTINGS)}")
    label = _label(table.get("label", str(number)), provider, where)
    where = f"{where} ({label})"
    keys, settings, options = keys_of(provider), dict[str, str](), dict[str, object]()
    for key, value in table.items():
        if key in ("provider", "label"):
            continue
        if key in OPTIONS:
            try:
                options[key] = _option_value(key, value)
            except ValueError as e:
                raise CredentialError(f"{where}: {key} {e}") from None
            continue
        name = keys.ours(key)
        if name is None:
            raise CredentialError(f"{where}: {_unknown(key, provider, keys.all)}")
        if name in settings:
            raise CredentialError(f"{where}: {key} says again what {name} is")
        if not isinstance(value, str) or not value.strip():
            raise CredentialError(f"{where}: {key} must be a text, in quotes")
        text = value.strip()
        if name in SECRETS:
            text = resolve_secret(text, f"{where}: {key}", environ, may_run=may_run)
        settings[name] = checked(name, text, where)
    if not settings.keys() & set(keys.credentials):
        raise CredentialError(f"{where} has no {' or '.join(keys.credentials)}")
    mark = mark_of(provider, settings)
    return Definition(provider, label, settings, _slot(provider, label, options, mark))


def _label(text: object, provider: str, where: str) -> str:
    if not isinstance(text, str) or not text.strip() or not text.isprintable() or len(text) > LONGEST_LABEL:
        raise CredentialError(f"{where}: label must be a text of at most {LONGEST_LABEL} characters")
    return f"{provider}:{text.strip().removeprefix(provider + ':')}"


def _unknown(key: str, provider: str, own: Sequence[str]) -> str:
    others = {setting for needed, more in SETTINGS.values() for setting in (*needed, *more)}
    if key.lower() in others:
        return f"{key} is not a setting of {provider}; it has {', '.join(own)}"
    near = _nearest(key, ("provider", "label", *OPTIONS, *own))
    return f"{_shown(key)} is not a key; {near or 'there are ' + ', '.join((*OPTIONS, *own))}"


# --- both ---


def _option_value(option: str, value: object) -> object:
    """ValueError says what it must be."""
    if option in LEAST:
        if isinstance(value, bool) or not isinstance(value, int) or not LEAST[option] <= value <= MOST:
            raise ValueError(f"must be a whole number from {LEAST[option]} to {MOST}")
        return value
    if option in LISTS:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise ValueError('must be a list of models, like ["gpt-5"]')
        return frozenset(name.strip().lower() for name in value if name.strip())
    if option in FLAGS:
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value
    if not isinstance(value, str):
        raise ValueError("must be a model's name")
    return value.strip()


_FIELDS: Mapping[str, str] = {"not_supported_models": "without_models", "supported_models": "only_models"}


def _slot(provider: str, label: str, options: Mapping[str, object], mark: str) -> Slot:
    fields = {_FIELDS.get(option, option): value for option, value in options.items()}
    return Slot(provider, label, mark=mark, **fields)  # type: ignore[arg-type]  # each was checked by its option


def mark_of(provider: str, settings: Mapping[str, str]) -> str:
    """Tells an account from another without saying what it is reached with."""
    text = json.dumps([provider, sorted(settings.items())])
    return sha256(text.encode()).hexdigest()[:16]


def _nearest(name: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(name.lower(), {each.lower(): each for each in known}, n=1, cutoff=0.5)
    spelled = {each.lower(): each for each in known}
    return f"did you mean {spelled[found[0]]}?" if found else ""


def _shown(text: object) -> str:
    return repr(text)[:LONGEST_LABEL]
