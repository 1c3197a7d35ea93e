"""The command line: `aiclient WORD`. Errors are one line that names the cure; exit codes: 0 good, 1 error, 2 wrong
usage; 130 and 141 as for a program that SIGINT or SIGPIPE ended."""

import argparse
import difflib
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import groupby
from typing import NoReturn, override

from addons import launch
from addons.accounts import read_all
from addons.cli_accounts import add_accounts_arguments, add_providers_arguments, place, show_accounts, show_providers
from addons.cli_bundle import add_bundle_arguments, make_bundle
from addons.cli_chaos import with_faults
from addons.cli_config import add_config_arguments, run_config
from addons.cli_dataset import add_dataset_arguments, show_formats
from addons.cli_doctor import add_doctor_arguments, run_doctor
from addons.cli_log import add_log_arguments, run_log
from addons.cli_login import add_arguments as add_account_login_arguments
from addons.cli_login import login, logout
from addons.cli_models import add_models_arguments, show_models
from addons.cli_pool import add_pool_arguments, change_pool
from addons.cli_prompts import add_prompts_arguments, run_prompts
from addons.cli_replay import add_record_arguments, add_replay_arguments, run_record, run_replay
from addons.cli_replay_live import add_live_arguments, is_live, run_live
from addons.cli_route import add_arguments, show_route
from addons.cli_words import examples_of, overview
from addons.client_key import ensure_key, key_path, new_key
from addons.completion import SHELLS, script
from addons.providers import catalogue
from addons.settings import NAMES, SECRETS, Settings, choices_of, group_of, written
from addons.settings_sources import SettingsError, flag, home, load, variable
from converters.errors import ConversionError
from creds.account import CredentialError
from creds.commands import add_logout_arguments

WEB_PORT = 8081


class Parser(argparse.ArgumentParser):
    """argparse, with errors of one line."""

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"aiclient: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    cut = words.index("--") if "--" in words else len(words)
    own, extra = words[:cut], words[cut + 1 :]
    parser = make_parser()
    args, unknown = parser.parse_known_args(own)
    if unknown:
        parser.error(f"{unknown[0]} is not known here{nearest(unknown[0].partition('=')[0])}")
    if extra and args.command not in ("serve", "web", "chaos"):
        parser.error("`--` passes arguments to mitmproxy, with `serve`, `web` and `chaos` alone")
    args.extra = extra
    run: Callable[[argparse.Namespace], None] = args.run
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # letters that the output's encoding does not have
    try:
        try:
            run(args)
        finally:
            sys.stdout.flush()  # here, where it is known what to do when nobody reads
    except (SettingsError, CredentialError, ConversionError) as e:
        print(f"aiclient: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head`: nobody reads on
        # Else Python complains when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def nearest(word: str) -> str:
    """` (did you mean --port?)`, or nothing."""
    found = difflib.get_close_matches(word, [flag(name) for name in NAMES], n=1)
    return f" (did you mean {found[0]}?)" if found else ""


def make_parser() -> Parser:
    """All commands and flags."""
    parser = Parser(
        prog="aiclient",
        description="Any LLM client on any account you own, every exchange watchable.",
        usage="aiclient [-h] COMMAND ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", prog="aiclient", help=argparse.SUPPRESS
    )
    texts: dict[str, str] = {}

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, description=text, allow_abbrev=False)
        sub.set_defaults(run=run)
        texts[name] = text
        return sub

    _add_settings(command("serve", serve, "Serve clients."))
    web = command("web", serve, "Serve clients, and show every exchange in a browser (mitmweb).")
    web.add_argument(
        "--web-port", type=int, default=WEB_PORT, metavar="N", help=f"Port of the page (default {WEB_PORT})."
    )
    web.add_argument("--open", action="store_true", help="Open the page in a browser.")
    _add_settings(web)
    _add_settings(
        command("chaos", lambda args: serve(with_faults(args)), "Serve clients, and let answers fail on purpose.")
    )
    add_accounts_arguments(command("accounts", show_accounts, "List the accounts that are set up, and their state."))
    add_account_login_arguments(command("login", login, "Log in to a provider."))
    add_logout_arguments(command("logout", logout, "Remove a login that was made here."))
    add_providers_arguments(command("providers", show_providers, "List the providers, and what is known of each."))
    add_pool_arguments(command("pool", change_pool, "Use accounts again that rest or are stopped."))
    add_dataset_arguments(command("dataset", show_formats, "Turn recorded exchanges into training files."))
    add_models_arguments(command("models", show_models, "List the models that clients may name, and who is asked."))
    add_arguments(command("route", show_route, "Show who would be asked for a model, and why."))
    add_config_arguments(command("config", run_config, "Show, check or import settings; describe them for editors."))
    key = command("key", show_key, "Where the client key is; show it, or make a new one.")
    key.add_argument("--show", action="store_true", help="Print the key.")
    key.add_argument(
        "--rotate", action="store_true", help="Make a new key; a running aiclient takes it at its next start."
    )
    add_log_arguments(command("log", run_log, "List, show, search and count what was recorded."))
    replay = command("replay", replay_or_ask, "Run recorded exchanges again, offline, or send them to a model.")
    add_replay_arguments(replay)
    add_live_arguments(replay)
    add_record_arguments(command("record", run_record, "Make a recorded exchange a regression test."))
    add_bundle_arguments(command("bundle", make_bundle, "Put one exchange into a redacted archive, for a bug report."))
    add_prompts_arguments(command("prompts", run_prompts, "Show what clients told their models, version by version."))
    add_doctor_arguments(
        command("doctor", run_doctor, "Look for what would keep aiclient from working, and for the cure.")
    )
    completion = command("completion", show_completion, "Print a script that completes words in a shell.")
    completion.add_argument("shell", choices=tuple(SHELLS))
    command("version", show_version, "Print the version.")
    for name, sub in commands.choices.items():
        _explain(name, sub)
    parser.epilog = overview(texts)
    return parser


def _explain(name: str, parser: argparse.ArgumentParser) -> None:
    """The end of a command's help, and of those of the commands that it has itself."""
    parser.epilog, parser.formatter_class = examples_of(name), argparse.RawDescriptionHelpFormatter
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            texts = {choice.dest: choice.help for choice in action._choices_actions}
            for inner, sub in action.choices.items():
                sub.description = texts[inner]
                _explain(f"{name} {inner}", sub)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """One flag per setting, in groups. Values stay text: `load` checks them, as it does those of every other source."""
    parser.usage = f"{parser.prog} [-h] [--FLAG VALUE ...] [-- MITMPROXY-ARGUMENT ...]"
    for group, names in groupby(NAMES, key=group_of):
        section = parser.add_argument_group(group.lower())
        for name in names:
            field = Settings.model_fields[name]
            default = written(field.get_default())
            text = (field.description or "").rstrip(".") + (f" (default {default})." if default else ".")
            if name in SECRETS:
                text += f" Other users of this machine can see flags: prefer {variable(name)}."
            text = text.replace("%", "%%")
            if field.annotation is bool:
                section.add_argument(flag(name), dest=name, help=text, nargs="?", const="true", metavar="true|false")
            else:
                metavar = "|".join(choices_of(name)) or name.rpartition("_")[2].upper()
                section.add_argument(flag(name), dest=name, help=text, metavar=metavar)


def serve(args: argparse.Namespace) -> None:
    """`serve` and `web`."""
    flags = {name: value for name in NAMES if (value := getattr(args, name)) is not None}
    loaded = load(flags)
    launch.serve(
        loaded,
        flags,
        accounts=read_all(loaded, catalogue()),
        web_port=getattr(args, "web_port", None),
        open_browser=getattr(args, "open", False),
        extra=args.extra,
    )


def replay_or_ask(args: argparse.Namespace) -> None:
    """`replay`: offline, or with `--provider` and `--model` live."""
    (run_live if is_live(args) else run_replay)(args)


def show_key(args: argparse.Namespace) -> None:
    """`key`: a configured key is shown from its setting and cannot be rotated here."""
    loaded = load()
    configured = written(loaded.settings.api_key)
    try:
        if args.rotate:
            if configured:
                raise SettingsError(f"api_key is set by {place(loaded, 'api_key')}: change it there")
            new_key(home())
            print(f"new client key in {key_path(home())}; restart aiclient and give it to your clients")
        if args.show:
            print(ensure_key(home(), configured or None)[0])
    except OSError as e:
        raise SettingsError(f"cannot use {key_path(home())}: {e.strerror}; set AICLIENT_HOME") from e
    if not args.show and not args.rotate:
        where = f"set by {place(loaded, 'api_key')}" if configured else f"kept in {key_path(home())}"
        made = "" if configured or key_path(home()).exists() else " (made at the first start)"
        print(f"client key: {where}{made}; `aiclient key --show` prints it")


def show_completion(args: argparse.Namespace) -> None:
    """`completion`: the script goes to stdout; it needs nothing of aiclient later."""
    print(script(args.shell, make_parser()), end="")


def show_version(_: argparse.Namespace) -> None:
    """`version`: ours, and those of what decides how we behave."""
    print(f"aiclient {version('aiclient')} (mitmproxy {version('mitmproxy')}, Python {sys.version.split()[0]})")
