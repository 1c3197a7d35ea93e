"""What clients put into messages on their own and may change or leave out when they send the history again.

It counts for training, as the model has read it, but not for the question whether two messages are the same.
Seen in what real clients sent in 2026: blocks in tags of their own (Claude Code and Qwen Code `system-reminder`, Codex
`environment_context`, Gemini CLI `session_context`, Cline `environment_details`), lines that tell the date.
"""

import re

TAGS = ("system-reminder", "environment_context", "environment_details", "session_context")

_OPENINGS = tuple(f"<{tag}>" for tag in TAGS)
_BLOCK = re.compile(rf"<({'|'.join(TAGS)})>.*?</\1>", re.DOTALL)
_DATE_WORDS = ("date", "time", "oday")
_DATE_LINE = re.compile(
    r"^[\s\-*#>]*(?:today(?:'s date)?(?: is|:)|(?:the )?current (?:date|time|date and time)(?: is|:)).*$",
    re.IGNORECASE | re.MULTILINE,
)
_THOUGHT = re.compile(r"^\s*<(think|thinking)>.*?</\1>\s*", re.DOTALL)


def lasting(text: str) -> str:
    """What a person or a tool said in a text of the user's side: without reminders, date lines and the space around them."""
    if any(opening in text for opening in _OPENINGS):
        text = _BLOCK.sub("", text)
    if any(word in text for word in _DATE_WORDS):
        text = _DATE_LINE.sub("", text)
    return text.strip()


def spoken(text: str) -> str:
    """What an assistant said: without reasoning in tags before it, which clients cut off, and the space around it."""
    return _THOUGHT.sub("", text, count=1).strip() if "</think" in text else text.strip()
