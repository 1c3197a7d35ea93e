"""The commands in groups, and examples of each: what `aiclient --help` and `aiclient WORD --help` show besides flags."""

from collections.abc import Mapping, Sequence

# In the order of the help. A command that stands nowhere is shown under the last heading.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "run": ("serve", "web", "chaos"),
    "accounts": ("accounts", "login", "logout", "pool", "providers"),
    "models and routes": ("models", "route"),
    "records": ("log", "prompts", "replay", "record", "bundle", "dataset"),
    "configuration": ("config", "key", "doctor", "completion", "version"),
}
WIDTH = 80  # that all of a help fits in
EXIT_CODES = """exit codes: 0 done, 1 it could not be done (one line on stderr says why),
            2 wrong words, 130 interrupted, 141 nobody reads the output any more"""
EXAMPLES: Mapping[str, Sequence[tuple[str, str]]] = {
    "serve": (
        ("aiclient serve", "on 127.0.0.1:3000, with OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY"),
        (
            "aiclient serve --openai-base-url http://127.0.0.1:11434 --openai-api-key x",
            "Ollama, which asks for any key",
        ),
        ("aiclient serve --model-provider claude-custom,openai-custom", "the first gets what leads nowhere else"),
        ("aiclient serve --workers 4", "four processes on one port, each on a core of its own"),
        ("aiclient serve -- -w flows.mitm", "what follows `--` goes to mitmproxy"),
    ),
    "web": (
        ("aiclient web", "as serve, and every exchange to be watched in a browser"),
        ("aiclient web --web-port 9000 --open", ""),
    ),
    "chaos": (
        ("aiclient chaos", "as serve, and every fifth answer fails: to test an agent"),
        ("aiclient chaos --chaos 429=0.5", "every other answer is a rate limit"),
    ),
    "accounts": (
        ("aiclient accounts", ""),
        ("aiclient accounts claude-kiro-oauth --usage", ""),
        ("aiclient accounts --json", ""),
    ),
    "login": (
        ("aiclient login qwen", "shows what is known of the service first"),
        ("aiclient login gemini --no-browser", "for a machine without one"),
    ),
    "logout": (("aiclient logout qwen", "removes a login that was made here"),),
    "pool": (
        ("aiclient pool reset", "accounts that rest or are stopped are used again"),
        ("aiclient pool reset openai-custom:work", ""),
    ),
    "providers": (("aiclient providers", ""), ("aiclient providers --json", "")),
    "models": (
        ("aiclient models", "asks the providers; each name, who is asked, where it comes from"),
        ("aiclient models opus", "names with this text alone"),
        ("aiclient models --provider claude-custom --json", ""),
    ),
    "route": (
        ("aiclient route claude-sonnet-4-5", "who would be asked for this model, and why"),
        ("aiclient route fast --protocol anthropic", ""),
    ),
    "log": (
        ("aiclient log list --since 2h --status failed", ""),
        ("aiclient log show last", "the whole conversation, as a transcript"),
        ("aiclient log search timeout", "where a text stands"),
        ("aiclient log stats --since 7d", ""),
        ("aiclient log follow", "exchanges as they end"),
        ("aiclient log prune --keep-days 90", ""),
    ),
    "prompts": (
        ("aiclient prompts list", "the system prompts that clients have sent"),
        ("aiclient prompts show claude-code", "the latest of this client"),
        ("aiclient prompts diff claude-code", "what changed between its last two"),
    ),
    "replay": (
        ("aiclient replay ~/.aiclient/records", "recorded exchanges again, offline"),
        ("aiclient replay records --provider openai-custom --model gpt-5-mini", "asks a model for them"),
    ),
    "record": (("aiclient record tests/recordings/weather", "of the last exchange"),),
    "bundle": (("aiclient bundle last", "the last exchange, redacted, for a bug report"),),
    "dataset": (
        ("aiclient dataset formats", ""),
        ("aiclient dataset export ~/.aiclient/records --out data", "training files from records"),
    ),
    "config": (
        ("aiclient config", "every setting and where it comes from"),
        ("aiclient config check", "exit code 1 if something is wrong"),
        ("aiclient config schema > schema.json", "for editors"),
        ("aiclient config import config.json provider_pools.json", "from AIClient-2-API"),
    ),
    "key": (("aiclient key --show", ""), ("aiclient key --rotate", "")),
    "doctor": (
        ("aiclient doctor", "exit code 1 if something would keep it from working"),
        ("aiclient doctor --model claude-sonnet-4-5", "who would answer for it as well"),
        ("aiclient doctor --json", ""),
    ),
    "completion": (
        ("aiclient completion bash > ~/.local/share/bash-completion/completions/aiclient", ""),
        ('aiclient completion zsh > "${fpath[1]}/_aiclient"', ""),
        ("aiclient completion fish > ~/.config/fish/completions/aiclient.fish", ""),
    ),
    "version": (("aiclient version", ""),),
}
FIRST = ("serve", "web", "login", "accounts", "route", "doctor")  # whose first example the front page shows


def examples_of(command: str) -> str:
    """For the end of a command's help, `log` or `log list`; with the exit codes."""
    examples = EXAMPLES.get(command.partition(" ")[0], ())
    return _shown([row for row in examples if f"{row[0]} ".startswith(f"aiclient {command} ")]) + EXIT_CODES


def overview(commands: Mapping[str, str]) -> str:
    """The front page: all commands in groups, and an example of the first ones. commands: name -> what it does."""
    grouped = {name for names in GROUPS.values() for name in names}
    last = list(GROUPS)[-1]
    lines = []
    for heading, names in GROUPS.items():
        own = [name for name in names if name in commands]
        own += [name for name in commands if name not in grouped] if heading == last else []
        lines += [f"{heading}:", *(f"  {name:<12} {commands[name]}" for name in own), ""]
    text = "\n".join(lines)
    return f"{text}\n{_shown([EXAMPLES[name][0] for name in FIRST])}{EXIT_CODES}\n`aiclient COMMAND --help` says more of each."


def _shown(examples: Sequence[tuple[str, str]]) -> str:
    if not examples:
        return ""
    return "\n".join(("examples:", *(_example(line, text) for line, text in examples), "", ""))


def _example(line: str, text: str) -> str:
    whole = f"  {line:<36}  {text}".rstrip()
    return whole if len(whole) <= WIDTH else f"  {line}\n      {text}"
