"""From a command line to a running mitmdump or mitmweb, in this process.

What was said in flags is handed on to the addons through the environment of this process: mitmproxy's own arguments would show
secrets in the process list, and one way in is enough.
"""

import errno
import io
import logging
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from addons.client_key import banner, ensure_key, key_path, refuse_open_bind
from addons.event_loop import use_uvloop
from addons.settings import Settings
from addons.settings_sources import Loaded, SettingsError, home, variable

SCRIPT = Path(__file__).with_name("aiclient.py")
# Where nothing else says it: every exchange's target is set by the addons, this one is never connected to.
PLACEHOLDER = "https://api.openai.com"


def serve(
    loaded: Loaded,
    flags: Mapping[str, str],
    *,
    accounts: Sequence[str],
    web_port: int | None = None,
    open_browser: bool = False,
    extra: Sequence[str] = (),
) -> None:
    """Run until stopped. Raises SettingsError before anything listens, SystemExit when mitmproxy gives up.

    flags: settings as typed. accounts: labels, to be shown. web_port: None for mitmdump, else mitmweb with its page there.
    extra: further arguments for mitmproxy.
    """
    settings = loaded.settings
    configured = settings.api_key.get_secret_value() or None
    if refusal := refuse_open_bind(settings.host, configured):
        raise SettingsError(refusal)
    port = free_port(settings.host, settings.port, "--port")
    if web_port is not None:
        web_port = free_port("127.0.0.1", web_port, "--web-port")
    try:
        key, is_new = ensure_key(home(), configured)
    except OSError as e:
        raise SettingsError(
            f"cannot keep the client key in {home()}: {e.strerror}; set AICLIENT_HOME or api_key"
        ) from e
    os.environ |= {variable(name): value for name, value in flags.items()} | {variable("port"): str(port)}

    key_file = None if configured else key_path(home())
    print(banner(settings.host, port, key if is_new else None, accounts, key_file), flush=True)
    arguments = mitmproxy_arguments(settings, port, web_port=web_port, open_browser=open_browser)
    _quieten()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a line a request, also where stdout is a file or a pipe
    use_uvloop()
    from mitmproxy.tools import main  # late: half a second that `--help` and an error need not wait for

    (main.mitmdump if web_port is None else main.mitmweb)([*arguments, *extra])


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
