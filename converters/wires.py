"""The table of wires: one row per protocol."""

from converters.anthropic import WIRE as ANTHROPIC
from converters.gemini import WIRE as GEMINI
from converters.openai_chat import WIRE as OPENAI_CHAT
from converters.openai_responses import WIRE as OPENAI_RESPONSES
from converters.wire import Wire

WIRES: dict[str, Wire] = {wire.name: wire for wire in (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GEMINI)}
