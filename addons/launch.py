"""From a command line to a running mitmdump or mitmweb, in this process.

What was said in flags is handed on to the addons through the environment of this process: mitmproxy's own arguments would show
secrets in the process list, and one way in is enough.
"""

import asyncio
import errno
import io
import logging
import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from addons.accounts import Accounts
from addons.client_key import banner, ensure_key, key_path, refuse_open_bind
from addons.event_loop import use_uvloop
from addons.providers.claude_kiro_oauth import ClaudeKiroOAuth
from addons.settings import Settings
from addons.settings_sources import Loaded, SettingsError, home, variable
from addons.worker import this_worker
from addons.workers import hold_port, refusal, run_workers
from creds.token_file import BASE64

SCRIPT = Path(__file__).with_name("aiclient.py")
# Where nothing else says it: every exchange's target is set by the addons, this one is never connected to.
PLACEHOLDER = "https://api.openai.com"
_OWN_FILE = re.compile(r"-w.*|--save-stream-file.*|(save_stream_file|hardump)=.+")  # of mitmproxy's arguments
_READY_LOOK_SECONDS = 0.02


def serve(
    loaded: Loaded,
    flags: Mapping[str, str],
    *,
    accounts: Accounts,
    web_port: int | None = None,
    open_browser: bool = False,
    extra: Sequence[str] = (),
) -> None:
    """Run until stopped. Raises SettingsError before anything listens, SystemExit when mitmproxy or a worker gives up.

    flags: settings as typed. web_port: None for mitmdump, else mitmweb with its page there.
    extra: further arguments for mitmproxy.
    """
    settings = loaded.settings
    configured = settings.api_key.get_secret_value() or None
    if refused := refuse_open_bind(settings.host, configured):
        raise SettingsError(refused)
    workers = settings.workers if web_port is None else 1
    if refused := refusal(workers) or (_refused_with_workers(settings, accounts, extra) if workers > 1 else ""):
        raise SettingsError(refused)
    port = free_port(settings.host, settings.port, "--port")
    if web_port is not None:
        web_port = free_port("127.0.0.1", web_port, "--web-port")
    try:
        key, is_new = ensure_key(home(), configured)
    except OSError as e:
        raise SettingsError(
            f"cannot keep the client key in {home()}: {e.strerror}; set AICLIENT_HOME or api_key"
        ) from e
    os.environ |= {variable(name): value for name, value in flags.items()}
    if port != settings.port:
        os.environ[variable("port")] = str(port)  # the free one that was found

    key_file = None if configured else key_path(home())
    print(banner(settings.host, port, key if is_new else None, accounts.labels, key_file), flush=True)
    arguments = mitmproxy_arguments(settings, port, web_port=web_port, open_browser=open_browser)
    work = partial(_run, "mitmdump" if web_port is None else "mitmweb", [*arguments, *extra])
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a line a request, also where stdout is a file or a pipe
    if workers == 1:
        work()
        return
    print(f"workers: {workers}")
    try:
        with hold_port(settings.host, port) as held:
            status = run_workers(workers, held, work)
    except OSError as e:  # no place for temporary files, above all
        raise SettingsError(f"cannot run {workers} workers: {e.strerror or e}") from e
    if status:
        sys.exit(status)


def _refused_with_workers(settings: Settings, accounts: Accounts, extra: Sequence[str]) -> str:
    """What one process alone can do, with the cure; "" if nothing is."""
    for member in accounts.members:
        if member.slot.provider == ClaudeKiroOAuth.name and getattr(member.account.credential, "source", "") == BASE64:
            return (
                f"{member.slot.label} is a base64: each process would renew it for itself, and void the others' tokens; give "
                "kiro_oauth_creds_file, or set workers to 1"
            )
    if settings.replay:
        return "answers are replayed by one process, which counts them: set workers to 1"
    if word := next(filter(_OWN_FILE.fullmatch, extra), ""):
        return f"{word} has a file written, and one process alone can do that: set workers to 1"
    return ""


def _run(tool: str, arguments: Sequence[str]) -> None:
    """mitmdump or mitmweb, in this process."""
    _quieten()
    use_uvloop()
    from mitmproxy.tools import main  # late: half a second that `--help` and an error need not wait for

    if (worker := this_worker()) is not None:
        from addons.relay import share_port

        async def all_ready() -> None:
            worker.board.set_up(worker.number)
            while not worker.board.all_up:  # noqa: ASYNC110 (other processes, who have no event for it)
                await asyncio.sleep(_READY_LOOK_SECONDS)

        share_port(all_ready)
        if not worker.is_first:
            logging.getLogger("aiclient.settings").setLevel(logging.ERROR)  # what is wrong with settings is said once
    getattr(main, tool)([*arguments])


def _quieten() -> None:
    """Our own line a request is what a person wants to read; mitmproxy's connects and disconnects are not. The banner is out
    already."""
    for name in ("mitmproxy.proxy", "mitmproxy.addons.script", "mitmproxy.addons.proxyserver"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("aiclient.start").setLevel(logging.WARNING)


def mitmproxy_arguments(settings: Settings, port: int, *, web_port: int | None, open_browser: bool) -> list[str]:
    """What mitmdump or mitmweb is called with. Its own folder is ours, so that a `~/.mitmproxy/config.yaml` made for other
    work changes nothing here."""
    arguments = [
        *("-s", str(SCRIPT)),
        *("--mode", f"reverse:{PLACEHOLDER}@{settings.host}:{port}"),
        *("--set", f"confdir={home() / 'mitmproxy'}"),
    ]
    if web_port is None:
        return [*arguments, "--set", "flow_detail=0"]
    browser = "true" if open_browser else "false"
    return [*arguments, "--set", f"web_port={web_port}", "--set", f"web_open_browser={browser}"]


def free_port(host: str, port: int, flag: str) -> int:
    """`port` if it can be listened on, a free one for 0. SettingsError names the cure; flag: what would change the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # as asyncio does: a port whose last connections are still closing is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            return int(probe.getsockname()[1])
        except OSError as e:
            if e.errno == errno.EADDRINUSE:
                raise SettingsError(
                    f"port {port} on {host} is in use: stop the other program, or take another port with {flag} {port + 1}"
                ) from e
            raise SettingsError(f"cannot listen on {host} port {port}: {e.strerror or e}") from e
