"""The table of wires: one row per protocol."""

from converters.anthropic import WIRE as ANTHROPIC
from converters.openai_chat import WIRE as OPENAI_CHAT
from converters.wire import Wire

WIRES: dict[str, Wire] = {wire.name: wire for wire in (OPENAI_CHAT, ANTHROPIC)}
