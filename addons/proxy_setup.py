"""Sets mitmproxy up for what we are, and keeps the settings, accounts and key that the other addons read."""

import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from pathlib import Path

from mitmproxy import ctx, exceptions
from mitmproxy.addonmanager import Loader

from addons.accounts import Accounts, read_all
from addons.client_key import banner, ensure_key, key_path, refuse_open_bind
from addons.providers import catalogue
from addons.proxy_options import PREFIX, add_options, from_options
from addons.settings import Settings, written
from addons.settings_sources import SettingsError, config_file, home
from addons.worker import this_worker
from creds.account import CredentialError
from creds.api_key import ApiKey
from creds.logins import LOGINS
from creds.places import own_file
from creds.store import secret_files

start_log = logging.getLogger("aiclient.start")  # `aiclient serve` has told this already
log = logging.getLogger("aiclient.settings")

_LISTENS = re.compile(r"@(?:(?P<host>.*):)?(?P<port>\d+)$")
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 (what an empty address means to mitmproxy; to be refused, not bound)

# What mitmproxy does by default and would do against us.
HOST_OPTIONS: dict[str, object] = {
    "connection_strategy": "lazy",  # eager connects to the placeholder target and cuts the client if nothing listens there
    "keep_host_header": True,  # reverse mode overwrites Host before it could be checked
    "onboarding": False,  # its page would answer for any host once Host is kept
    "upstream_cert": False,  # no look at a server that is not the one we will talk to
    "http2": True,
    "websocket": False,
    "rawtcp": False,
}


class ProxySetup:
    """Options in, settings out. on_change: told of each new reading."""

    def __init__(self, on_change: Callable[[Settings, Accounts], None] = lambda *_: None) -> None:
        self._on_change = on_change
        self.settings = Settings()
        self.accounts = Accounts()
        self.key = b""
        self._told = False
        self._noted: set[str] = set()
        self._bound: dict[str, object] = {}

    def load(self, loader: Loader) -> None:
        os.umask(0o077)  # dumps, records and logs hold what people said: for their owner alone
        try:
            add_options(loader)
        except SettingsError as error:
            # Of what is raised here mitmproxy says nothing, and would go on without us: as a proxy that asks for no key.
            # An error in the log at start is its end.
            log.error("%s", error)
            raise exceptions.OptionsError(str(error)) from error
        options = dict(HOST_OPTIONS)
        if not ctx.options.listen_host:
            options["listen_host"] = "127.0.0.1"  # mitmproxy's default is every interface
        ctx.options.update(**options)
        if (tls := ctx.master.addons.get("tlsconfig")) is not None and tls.certstore is None:
            # mitmproxy listens before its `running`, where it would make these; a request in between would be its end.
            worker = this_worker()
            with nullcontext() if worker is None else worker.alone():  # at the first start it makes them
                tls.configure({"confdir"})

    def configure(self, updated: set[str]) -> None:
        if not any(name.startswith(PREFIX) or name in ("mode", "listen_host") for name in updated):
            return
        try:
            self._read()
        except (SettingsError, CredentialError) as error:
            raise exceptions.OptionsError(str(error)) from error

    def again(self) -> None:
        """A file that settings or accounts are read from has changed. What is wrong in it leaves all as it was."""
        try:
            self._read()
        except (SettingsError, CredentialError, exceptions.OptionsError) as error:
            log.warning("settings are not read again: %s", error)
        else:
            log.info("settings read again: %s", ", ".join(self.accounts.labels))

    def prepare(self) -> None:
        """What `again` would wait for: programs that print secrets. In a thread; what is wrong is said by `again`."""
        with suppress(SettingsError, CredentialError):
            read_all(from_options(ctx.options), catalogue())

    def stamp(self) -> object:
        """Another one when a file has changed that settings, secrets or accounts are read from. Of logins it counts whether
        they are there: what is in them is for their account to see."""
        try:
            named = self.settings.provider_pools_file
            files = [config_file(), Path(named).expanduser() if named else None, *sorted(secret_files)]
        except SettingsError:  # AICLIENT_CONFIG names a file that is gone
            files = []
        logins = [path for login in LOGINS for path in (own_file(login.provider, home()), login.official())]
        return [_stamp_of(file) for file in files], [path.is_file() for path in logins]

    def secrets(self) -> list[str]:
        """The client key, and every key of an account. Tokens come and go: those are known to the exchanges that sent them."""
        keys = [each.account.credential for each in self.accounts.members]
        return [self.key.decode(), *(credential.key for credential in keys if isinstance(credential, ApiKey))]

    def _read(self) -> None:
        """Raises SettingsError, CredentialError and OptionsError, with all as it was."""
        loaded = from_options(ctx.options)
        settings = loaded.settings
        try:
            accounts = read_all(loaded, catalogue())
            configured = written(settings.api_key) or None
            for host in listen_hosts(ctx.options.mode, ctx.options.listen_host):
                if refusal := refuse_open_bind(host, configured):
                    raise SettingsError(refusal)
            key, new = ensure_key(home(), configured)
        except OSError as error:
            raise exceptions.OptionsError(f"client key in {home()}: {error}") from error
        self.settings, self.accounts, self.key = settings, accounts, key.encode()
        self._on_change(settings, accounts)
        notes = [f"provider_pools_file: {note}" for note in accounts.notes]
        self._tell_notes(notes + self._notes_on_restart(settings) + _notes_on_workers(settings))
        if ctx.options.body_size_limit != settings.body_limit:
            ctx.options.body_size_limit = settings.body_limit
        self._tell(key if new else None, configured)

    def running(self) -> None:
        """Streams are kept whole where somebody will look at them. A dump that `-w` opened before we were loaded has
        mitmproxy's own mode."""
        named = ctx.options.save_stream_file
        if named or _is_watched():
            ctx.options.store_streamed_bodies = True
        if named and (path := Path(datetime.now().strftime(named.removeprefix("+"))).expanduser()).is_file():
            path.chmod(0o600)

    @staticmethod
    def keeps_flows() -> bool:
        """Whether somebody looks at flows when our addons have: mitmweb, a dump, an HAR file, bodies on the terminal."""
        options = ctx.options
        shown = getattr(options, "flow_detail", 0) > 2  # mitmdump's alone
        return bool(_is_watched() or options.save_stream_file or options.hardump or shown)

    def _notes_on_restart(self, settings: Settings) -> list[str]:
        """Where another address is set than the one that was listened on from the start."""
        now: dict[str, object] = {"host": settings.host, "port": settings.port}
        self._bound = self._bound or now
        return [
            f"{name} = {now[name]} needs a restart: it stays {was} until then"
            for name, was in self._bound.items()
            if now[name] != was
        ]

    def _tell_notes(self, notes: Sequence[str]) -> None:
        """What of files and settings is left out: once each."""
        for note in notes:
            if note not in self._noted:
                self._noted.add(note)
                log.warning("%s", note)

    def _tell(self, new_key: str | None, configured: str | None) -> None:
        """Once: where we listen and how to call us. The key itself is shown only when it was made just now, and to a person:
        what is not a terminal is a log file, and others may read it."""
        if self._told:
            return
        self._told = True
        host, port = listens(ctx.options.mode, ctx.options.listen_host, ctx.options.listen_port)
        file = None if configured else key_path(home())
        for text in banner(
            host, port, new_key if sys.stdout.isatty() else None, self.accounts.labels, file
        ).splitlines():
            start_log.info("%s", text)


def _notes_on_workers(settings: Settings) -> list[str]:
    """Where another number of processes is set than there are."""
    worker = this_worker()
    if settings.workers == (1 if worker is None else worker.count):
        return []
    if worker is None:
        return [f"workers = {settings.workers} counts with `aiclient serve` alone: this is one process"]
    return [f"workers = {settings.workers} needs a restart: it stays {worker.count} until then"]


def _stamp_of(path: Path | None) -> tuple[int, int, int] | None:
    try:
        stat = path.stat() if path else None
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat else None


def _is_watched() -> bool:
    """mitmweb's (and mitmproxy's) list of flows is there. It counts as false while it is empty."""
    return ctx.master.addons.get("view") is not None


def listen_hosts(modes: Sequence[str], default: str) -> list[str]:
    """The addresses that mode specifications bind: `reverse:http://x@127.0.0.1:3000` -> 127.0.0.1."""
    named = [found["host"] if (found := _LISTENS.search(mode)) else None for mode in modes]
    return [host or default or EVERY_INTERFACE for host in named]


def listens(modes: Sequence[str], host: str, port: int | None) -> tuple[str, int]:
    """Where the first mode listens."""
    first = modes[0] if modes else ""
    found = _LISTENS.search(first)
    return listen_hosts([first], host)[0], int(found["port"]) if found else port or 8080
