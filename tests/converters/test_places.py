"""17: what refuses a picture or file names its place in the client's request."""

from typing import Any

import pytest

from converters.errors import ConversionError
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.places import names_place, put_place
from converters.prepare import prepare
from converters.profile import DEFAULT
from converters.turns import Base64, Image, Part, Text, Url
from converters.wires import WIRES

WAV = {"data": "UklGRg==", "format": "wav"}
BMP = {"type": "base64", "media_type": "image/bmp", "data": "Qk0="}
CALL: dict[str, Any] = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
RESULT: dict[str, Any] = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image", "source": BMP}]}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


@pytest.mark.parametrize(
    ("client", "wire", "body", "place"),
    [
        (
            "chat",
            "anthropic",
            {"messages": [{"role": "system", "content": "x"}, user({"type": "input_audio", "input_audio": WAV})]},
            "messages[1].content[0]",
        ),
        (
            "responses",
            "anthropic",
            {"input": [user({"type": "input_text", "text": "x"}, {"type": "input_audio", "input_audio": WAV})]},
            "input[0].content[1]",
        ),
        (
            "responses",
            "chat",
            {
                "input": [
                    {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_file", "file_id": "f"}]}
                ]
            },
            "input[0].output[0]",
        ),
        (
            "anthropic",
            "gemini",
            {"max_tokens": 9, "messages": [user({"type": "image", "source": {"type": "file", "file_id": "f"}})]},
            "messages[0].content[0]",
        ),
        (
            "anthropic",
            "gemini",
            {
                "max_tokens": 9,
                "messages": [
                    {"role": "assistant", "content": [CALL]},
                    user(
                        RESULT | {"content": [{"type": "document", "source": {"type": "file", "file_id": "f"}}]},
                    ),
                ],
            },
            "messages[1].content[0].content[0]",
        ),
        (
            "gemini",
            "responses",
            {"contents": [{"parts": [{"text": "x"}, {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}]}]},
            "contents[0].parts[1]",
        ),
        (
            "gemini",
            "anthropic",
            {
                "contents": [
                    {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
                    {
                        "parts": [
                            {
                                "functionResponse": {
                                    "name": "f",
                                    "response": {},
                                    "parts": [{"inlineData": {"mimeType": "image/bmp", "data": "Qk0="}}],
                                }
                            }
                        ]
                    },
                ]
            },
            "contents[1].parts[0].functionResponse.parts[0]",
        ),
    ],
)
def test_17_the_place_is_in_the_clients_own_words(client: str, wire: str, body: JsonObject, place: str) -> None:
    chat = WIRES[client].parse_request({"model": "m", **body}, Loss())
    with pytest.raises(ConversionError) as caught:
        prepare(chat, WIRES[wire], DEFAULT, Loss())
    assert caught.value.param == place
    assert caught.value.code == "unsupported_content"


@names_place
def refuse(part: Part, why: str) -> None:
    raise ConversionError(why, param="messages")


@pytest.mark.parametrize(("part", "named"), [(Image(Url("u")), "here"), (Text("t"), "messages")])
def test_17_a_part_without_a_place_of_its_own_leaves_the_error_as_it_is(part: Part, named: str) -> None:
    with pytest.raises(ConversionError, match="no room") as caught:
        refuse(part, "no room")
    assert caught.value.param == "messages"
    put_place(part, "here")
    with pytest.raises(ConversionError) as caught:
        refuse(part, "no room")
    assert caught.value.param == named


def test_where_a_picture_stands_does_not_make_it_another() -> None:
    """Prompt caches, retries and fallbacks compare what is sent, and that is the same."""
    one, other = Image(Base64("image/png", "iVBO")), Image(Base64("image/png", "iVBO"))
    put_place(one, "messages[0].content[0]")
    assert one == other
