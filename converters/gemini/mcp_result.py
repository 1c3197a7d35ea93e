"""Results of MCP tools as google-genai sends them: given an MCP client as a tool, it runs the calls itself and puts the whole
`CallToolResult` into the function's response, pictures as base64 text. Source: google-genai 3.4 (read 2026-11), which takes
the names of mcp 2 (`is_error`, `mime_type`) and of mcp 1 (`isError`, `mimeType`).
"""

from converters.json_codec import Json
from converters.turns import Base64, Image, Text


def read_mcp_result(response: Json) -> tuple[list[Text | Image], bool] | None:
    """Texts and pictures, and whether the tool failed. None: no such result, or one with more than that in it."""
    if not isinstance(response, dict) or len(response) != 1:
        return None
    match response:
        case {"result": {"content": [_, *_] as content, **rest}} | {"error": {"content": [_, *_] as content, **rest}}:
            failed = rest.get("is_error", rest.get("isError"))
            parts = [part for block in content if (part := _part(block)) is not None]
            return (parts, failed) if isinstance(failed, bool) and len(parts) == len(content) else None
    return None


def _part(block: Json) -> Text | Image | None:
    match block:
        case {"type": "text", "text": str(text)}:
            return Text(text)
        case {"type": "image", "data": str(data), "mime_type": str(mime)}:
            return Image(Base64(mime, data))
        case {"type": "image", "data": str(data), "mimeType": str(mime)}:
            return Image(Base64(mime, data))
    return None
