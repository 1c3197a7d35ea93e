"""Shell completion: a script made of the parser, which asks nothing of aiclient when a key is pressed."""

import argparse
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_HEAD = "Made by `aiclient completion"
_FILES = ("FILE", "PATH", "DIR")  # how help calls them


@dataclass(frozen=True, slots=True)
class Words:
    """A command's. flags: each with its choices, () for any text, None for none. choices: of its first word. takes_files: whether
    files may stand behind it. inner: of the commands that it has itself."""

    text: str
    flags: Mapping[str, Sequence[str] | None]
    choices: Sequence[str]
    takes_files: bool
    inner: Mapping[str, "Words"]


def words_of(parser: argparse.ArgumentParser, text: str = "") -> Words:
    """What can be written after a command."""
    flags: dict[str, Sequence[str] | None] = {}
    choices: list[str] = []
    takes_files = False
    inner: dict[str, Words] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner = {name: words_of(sub, sub.description or "") for name, sub in action.choices.items()}
        elif action.option_strings:
            takes = None if action.nargs == 0 else tuple(map(str, action.choices or _values(action)))
            flags |= dict.fromkeys(action.option_strings, takes)
        elif action.choices:
            choices += map(str, action.choices)
        else:
            takes_files = takes_files or action.metavar in _FILES
    return Words(text, flags, choices, takes_files, inner)


def _values(action: argparse.Action) -> Sequence[str]:
    """`true|false`, where that is how a flag's value is shown."""
    shown = action.metavar if isinstance(action.metavar, str) else ""
    return tuple(shown.split("|")) if "|" in shown else ()


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """KeyError for a shell that is not among SHELLS."""
    return SHELLS[shell](words_of(parser))


def _paths(words: Words, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Words]]:
    found = [(path, words)]
    for name, inner in words.inner.items():
        found += _paths(inner, (*path, name))
    return found


def _bash(words: Words) -> str:
    """Where nothing is offered, bash itself completes names of files (`-o default`), with blanks and folders as it should be."""
    rows, values = [], []
    for path, each in _paths(words):
        offered = " ".join((*each.inner, *each.choices))
        rows.append(
            f"    {shlex.quote(' '.join(path))}) words={shlex.quote(offered)} flags={shlex.quote(' '.join(each.flags))} ;;"
        )
        for choices in dict.fromkeys(each.flags.values()):
            if choices is not None:
                flags = [flag for flag, takes in each.flags.items() if takes == choices]
                asked = "|".join(shlex.quote(" ".join((*path, flag))) for flag in flags)
                values.append(f"    {asked}) words={shlex.quote(' '.join(choices))} ;;")
    starts = " ".join(shlex.quote(" ".join(path)) for path, _ in _paths(words) if path)
    return f"""# bash completion of aiclient. {_HEAD} bash`.
_aiclient() {{
  local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD-1]}}" path="" word words="" flags="" start
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    for start in {starts}; do
      [ "$start" = "${{path:+$path }}$word" ] && path="$start" && break
    done
  done
  case "${{path:+$path }}$prev" in
{chr(10).join(values)}
    *) case "$path" in
{chr(10).join(rows)}
    esac ;;
  esac
  case "$cur" in -*) words="$flags" ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -F _aiclient aiclient
"""


def _zsh(words: Words) -> str:
    functions = [
        f"_aiclient{_suffix(path)}() {{\n  local state line curcontext=$curcontext\n  _arguments -C -s {_zsh_arguments(path, each)}\n}}"
        for path, each in _paths(words)
    ]
    return f"#compdef aiclient\n# {_HEAD} zsh`.\n" + "\n".join(functions) + '\n_aiclient "$@"\n'


def _zsh_arguments(path: tuple[str, ...], words: Words) -> str:
    parts = []
    for flag, values in words.flags.items():
        choice = f"({' '.join(values)})" if values else "_files"
        parts.append(f"'{flag}'" if values is None else f"'{flag}:value:{choice}'")
    if words.inner:
        named = " ".join(f'{name}\\:"{_plain(each.text)}"' for name, each in words.inner.items())
        parts += [f"'1:command:(({named}))'", "'*::words:->words'"]
        cases = " ".join(f"{name}) _aiclient{_suffix((*path, name))} ;;" for name in words.inner)
        return " ".join(parts) + f' && return\n  case "$words[1]" in {cases} esac'
    parts += [f"'1:word:({' '.join(words.choices)})'"] if words.choices else []
    # without a word of some kind, no flag would be completed behind one
    return " ".join([*parts, "'*:file:_files'" if words.takes_files else "'*:word: '"])


def _suffix(path: tuple[str, ...]) -> str:
    return "".join(f"_{name}" for name in path)


def _plain(text: str) -> str:
    """Fit to stand in zsh's and fish's quotes."""
    return re.sub(r"[^A-Za-z0-9 ,.;-]", "", text.partition(".")[0])


def _fish(words: Words) -> str:
    """`-f`: no names of files, but where `-F` says so."""
    lines = [f"# fish completion of aiclient. {_HEAD} fish`.", "complete -c aiclient -f"]
    for path, each in _paths(words):
        siblings = " ".join(each.inner)
        where = " and ".join(
            [*(f"__fish_seen_subcommand_from {name}" for name in path)]
            + ([f"not __fish_seen_subcommand_from {siblings}"] if each.inner else [])
        ).replace(" and ", "; and ")
        for name, inner in each.inner.items():
            lines.append(f"complete -c aiclient -n '{where}' -a {name} -d '{_plain(inner.text)}'")
        if each.takes_files:
            lines.append(f"complete -c aiclient -n '{where}' -F")
        for choice in each.choices:
            lines.append(f"complete -c aiclient -n '{where}' -a {choice}")
        for flag, values in each.flags.items():
            kind = "-l" if flag.startswith("--") else "-s"
            more = "" if values is None else f" -r -a '{' '.join(values)}'" if values else " -r -F"
            lines.append(f"complete -c aiclient -n '{where}' {kind} {flag.lstrip('-')}{more}")
    return "\n".join(lines) + "\n"


SHELLS: Mapping[str, Callable[[Words], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
