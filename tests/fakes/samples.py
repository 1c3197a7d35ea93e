"""Things requests are made of: small real pictures and documents, tools, keys. Used by the tests of the fakes and end to end."""

import base64
import struct
import zlib
from typing import Any

CLIENT_KEY = "aiclient-test-key-0123456789abcdef"
OPENAI_KEY = "sk-fake-openai-account-4711"
ANTHROPIC_KEY = "sk-ant-fake-claude-account-4712"
GEMINI_KEY = "AIzaFake-gemini-account-4714"
RESPONSES_KEY = "sk-fake-responses-account-4713"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(red: int) -> bytes:
    """A valid one-pixel PNG."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    pixel = _chunk(b"IDAT", zlib.compress(bytes([0, red, 0, 0])))
    return b"\x89PNG\r\n\x1a\n" + head + pixel + _chunk(b"IEND", b"")


PNG = base64.b64encode(png(255)).decode()
PNG_2 = base64.b64encode(png(7)).decode()
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n").decode()
PNG_URL = f"data:image/png;base64,{PNG}"
PDF_URL = f"data:application/pdf;base64,{PDF}"

WEATHER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Größe egal"}, "days": {"type": "integer"}},
    "required": ["city"],
}
TIME_SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
CITY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "number"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
OPENAI_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": WEATHER_SCHEMA}},
    {"type": "function", "function": {"name": "get_time", "description": "Time now", "parameters": TIME_SCHEMA}},
]
RESPONSES_TOOLS: list[Any] = [
    {
        "type": "function",
        "name": "get_weather",
        "description": "Weather",
        "parameters": WEATHER_SCHEMA,
        "strict": False,
    },
    {"type": "function", "name": "get_time", "description": "Time now", "parameters": TIME_SCHEMA, "strict": False},
]
ANTHROPIC_TOOLS: list[Any] = [
    {"name": "get_weather", "description": "Weather", "input_schema": WEATHER_SCHEMA},
    {"name": "get_time", "description": "Time now", "input_schema": TIME_SCHEMA},
]
GEMINI_TOOLS: list[Any] = [
    {
        "functionDeclarations": [
            {"name": "get_weather", "description": "Weather", "parametersJsonSchema": WEATHER_SCHEMA},
            {"name": "get_time", "description": "Time now"},
        ]
    }
]
