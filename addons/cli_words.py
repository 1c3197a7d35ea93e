"""The commands in groups, and examples of each: what `aiclient --help` and `aiclient WORD --help` show besides flags."""

from collections.abc import Mapping, Sequence

# In the order of the help. A command that stands nowhere is shown under the last heading.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "run": ("serve", "web", "chaos"),
    "accounts": ("accounts", "login", "logout", "pool", "providers"),
    "models and routes": ("route",),
    "records": ("log", "prompts", "replay", "record", "bundle", "dataset"),
    "configuration": ("config", "key", "doctor", "completion", "version"),
}
EXIT_CODES = "exit codes: 0 done, 1 it could not be done (one line on stderr says why), 2 wrong words, 130 interrupted"
EXAMPLES: Mapping[str, Sequence[tuple[str, str]]] = {
    "serve": (
        ("aiclient serve", "on 127.0.0.1:3000, accounts from OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY"),
        ("aiclient serve --port 4000 --openai-base-url http://127.0.0.1:11434/v1 --openai-api-key ollama", ""),
        ("aiclient serve --model-provider claude-custom,openai-custom", "the first gets what leads nowhere else"),
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
    "route": (
        ("aiclient route claude-sonnet-4-5", "who would be asked for this model, and why"),
        ("aiclient route fast --protocol anthropic", ""),
    ),
    "log": (("aiclient log list", ""), ("aiclient log show last", ""), ("aiclient log search timeout", "")),
    "prompts": (("aiclient prompts list", "the system prompts that clients have sent"),),
    "replay": (
        ("aiclient replay ~/.aiclient/records", "recorded exchanges again, offline"),
        ("aiclient replay ~/.aiclient/records --provider openai-custom --model gpt-5-mini", "asks a model for them"),
    ),
    "record": (("aiclient record --help", "makes a recorded exchange a regression test"),),
    "bundle": (("aiclient bundle --help", "one exchange in a redacted archive, for a bug report"),),
    "dataset": (("aiclient dataset formats", ""), ("aiclient dataset export --help", "training files from records")),
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
    """For the end of a command's help; with the exit codes."""
    return _shown(EXAMPLES.get(command, ())) + EXIT_CODES


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
    return "\n".join(("examples:", *(f"  {line:<36}  {text}".rstrip() for line, text in examples), "", ""))
