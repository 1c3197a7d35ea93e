"""3: each row of the table of content parts, from each client to each provider."""

from typing import Any

import pytest

from converters.errors import ConversionError
from tests.converters.four_wires import CONTENT, HISTORY, WIRES, JsonObject, converted, user_message

type Row = dict[str, JsonObject]
URL, DATA = "https://e.com/a", "aGk="
IMAGE_DATA, PDF_DATA = f"data:image/png;base64,{DATA}", f"data:application/pdf;base64,{DATA}"
WORDS = "data:text/plain;base64,d29yZHM="
REFUSED: JsonObject = {"status": 400}


def blob(mime: str, data: str = DATA) -> JsonObject:
    return {"inlineData": {"mimeType": mime, "data": data}}


def base64(mime: str) -> JsonObject:
    return {"type": "base64", "media_type": mime, "data": DATA}


# row -> what each client says; clients that cannot say it are left out
SAID: dict[str, Row] = {
    "text": {
        "chat": {"type": "text", "text": "words"},
        "responses": {"type": "input_text", "text": "words"},
        "anthropic": {"type": "text", "text": "words"},
        "gemini": {"text": "words"},
    },
    "image, base64": {
        "chat": {"type": "image_url", "image_url": {"url": IMAGE_DATA}},
        "responses": {"type": "input_image", "image_url": IMAGE_DATA},
        "anthropic": {"type": "image", "source": base64("image/png")},
        "gemini": blob("image/png"),
    },
    "image, url": {
        "chat": {"type": "image_url", "image_url": {"url": URL}},
        "responses": {"type": "input_image", "image_url": URL},
        "anthropic": {"type": "image", "source": {"type": "url", "url": URL}},
        "gemini": {"fileData": {"mimeType": "image/png", "fileUri": URL}},
    },
    "detail": {
        "chat": {"type": "image_url", "image_url": {"url": IMAGE_DATA, "detail": "low"}},
        "responses": {"type": "input_image", "image_url": IMAGE_DATA, "detail": "low"},
    },
    "PDF, base64": {
        "chat": {"type": "file", "file": {"file_data": PDF_DATA}},
        "responses": {"type": "input_file", "file_data": PDF_DATA},
        "anthropic": {"type": "document", "source": base64("application/pdf")},
        "gemini": blob("application/pdf"),
    },
    "PDF, url": {
        "responses": {"type": "input_file", "file_url": URL},
        "anthropic": {"type": "document", "source": {"type": "url", "url": URL}},
        "gemini": {"fileData": {"mimeType": "application/pdf", "fileUri": URL}},
    },
    "plain text document": {
        "chat": {"type": "file", "file": {"file_data": WORDS}},
        "responses": {"type": "input_file", "file_data": WORDS},
        "anthropic": {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        "gemini": blob("text/plain", "d29yZHM="),
    },
    "audio": {
        "chat": {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
        "responses": {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
        "gemini": blob("audio/wav"),
    },
    "video": {
        "chat": {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{DATA}"}},
        "gemini": blob("video/mp4"),
    },
    "file by id": {
        "chat": {"type": "file", "file": {"file_id": "file-1"}},
        "responses": {"type": "input_file", "file_id": "file-1"},
        "anthropic": {"type": "document", "source": {"type": "file", "file_id": "file-1"}},
        "gemini": {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/x"}},
    },
}
FILE = {"filename": "document.pdf", "file_data": PDF_DATA}
SENT: dict[str, Row] = {
    **{row: SAID[row] for row in ("text", "audio")},
    "image, base64": {**SAID["image, base64"], "responses": {**SAID["image, base64"]["responses"], "detail": "auto"}},
    # gemini takes none but its own: it is fetched before, or refused
    "image, url": {
        **SAID["image, url"],
        "responses": {**SAID["image, url"]["responses"], "detail": "auto"},
        "gemini": REFUSED,
    },
    "detail": {
        **SAID["detail"],
        "anthropic": SAID["image, base64"]["anthropic"],
        "gemini": SAID["image, base64"]["gemini"],
    },
    "PDF, base64": {
        **SAID["PDF, base64"],
        "chat": {"type": "file", "file": FILE},
        "responses": {"type": "input_file", **FILE},
    },
    "PDF, url": {**SAID["PDF, url"], "chat": REFUSED, "gemini": REFUSED},
    "plain text document": {
        **SAID["text"],
        "anthropic": SAID["plain text document"]["anthropic"],
    },
    "video": {"chat": REFUSED, "responses": REFUSED, "anthropic": REFUSED, "gemini": SAID["video"]["gemini"]},
    "file by id": dict.fromkeys(WIRES, REFUSED),
}
SENT["audio"] = {**SENT["audio"], "anthropic": REFUSED}
OWN = {("file by id", wire) for wire in WIRES} | {("PDF, url", "gemini"), ("plain text document", "gemini")}
CASES = [(row, client, provider) for row, said in SAID.items() for client in said for provider in WIRES]


def sent_parts(provider: str, body: Any) -> Any:
    """Content of the only message; a chat message of one text is a string."""
    content = body[HISTORY[provider]][-1][CONTENT[provider]]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


@pytest.mark.parametrize(("row", "client", "provider"), CASES)
def test_3_each_part_from_each_client_to_each_provider(row: str, client: str, provider: str) -> None:
    expected = SENT[row][provider]
    if client == provider and (row, client) in OWN:
        expected = SAID[row][client]
    body = {HISTORY[client]: [user_message(client, SAID[row][client])]}
    if expected is REFUSED:
        with pytest.raises(ConversionError) as caught:
            converted(client, provider, body)
        assert caught.value.status == 400
        return
    made, loss = converted(client, provider, body)
    assert sent_parts(provider, made) == [expected]
    assert any("detail" in name for name in loss.dropped) is (row == "detail" and provider in ("anthropic", "gemini"))


@pytest.mark.parametrize("provider", WIRES)
def test_3_a_bare_string_instead_of_an_image_object_is_understood(provider: str) -> None:
    body = {"messages": [user_message("chat", {"type": "image_url", "image_url": IMAGE_DATA})]}
    made, _ = converted("chat", provider, body)
    assert sent_parts(provider, made) == [SENT["image, base64"][provider]]


@pytest.mark.parametrize("provider", WIRES)
def test_3_a_data_url_that_is_not_base64_is_encoded(provider: str) -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png,hi"}}
    made, _ = converted("chat", provider, {"messages": [user_message("chat", part)]})
    assert sent_parts(provider, made) == [SENT["image, base64"][provider]]


@pytest.mark.parametrize("provider", WIRES)
def test_3_an_anthropic_documents_title_and_context_stand_before_it_elsewhere(provider: str) -> None:
    part = {**SAID["PDF, base64"]["anthropic"], "title": "T", "context": "C", "citations": {"enabled": True}}
    made, loss = converted("anthropic", provider, {"messages": [user_message("anthropic", part)]})
    parts = sent_parts(provider, made)
    if provider == "anthropic":
        assert parts == [part]
        return
    assert parts[0]["text"] == "T\nC"
    assert len(parts) == 2
    assert any("citations" in name for name in loss.dropped)


@pytest.mark.parametrize("provider", [wire for wire in WIRES if wire != "anthropic"])
def test_3_a_search_result_is_text_elsewhere(provider: str) -> None:
    content = [{"type": "text", "text": "found"}]
    part = {"type": "search_result", "title": "T", "source": "https://e.com", "content": content}
    made, _ = converted("anthropic", provider, {"messages": [user_message("anthropic", part)]})
    (sent,) = sent_parts(provider, made)
    assert sent["text"] == "T\nhttps://e.com\nfound"


@pytest.mark.parametrize("provider", [wire for wire in WIRES if wire != "gemini"])
def test_3_code_that_gemini_ran_is_fenced_text_elsewhere(provider: str) -> None:
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
    ]
    q = {"role": "user", "parts": [{"text": "q"}]}
    made, _ = converted("gemini", provider, {"contents": [q, {"role": "model", "parts": parts}, q]})
    assert "```python\\nprint(1)\\n```" in str(made).replace("\n", "\\n")
