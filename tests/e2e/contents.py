"""What a user's message can hold besides words: how each client protocol says it, and what each provider must get (conversion
table 3)."""

import base64
from typing import Any

from tests.fakes.samples import PDF, PNG

type Part = dict[str, Any]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


WAV = _base64(b"RIFF\x24\0\0\0WAVEfmt ")
MP3 = _base64(b"ID3\x04\0\0")
MP4 = _base64(b"\0\0\0\x18ftypmp42")
BMP = _base64(b"BM\x1e\0\0\0")
TEXT = "Größe: 3 ☂"
PICTURE_URL, PAPER_URL = "https://pictures.example/a.png", "https://papers.example/a.pdf"
FILE_IDS = {
    "chat": "file-abc123",
    "responses": "file-abc123",
    "anthropic": "file_011CNha8iCJcU1wXNR6q4V8w",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/files/abc-123",
}
PLACES = {
    "chat": "messages[0].content[1]",
    "responses": "input[0].content[1]",
    "anthropic": "messages[0].content[1]",
    "gemini": "contents[0].parts[1]",
}
KINDS = (
    *("png", "picture by url", "bmp", "pdf", "pdf by url", "text", "wav", "mp3", "video", "file id"),
    *("picture id", "titled pdf", "citing text", "video by url"),
)


def data_url(mime: str, content: str) -> str:
    return f"data:{mime};base64,{content}"


def said(protocol: str, kind: str, picture: str = PICTURE_URL, paper: str = PAPER_URL) -> Part | None:
    """The part as a client of the protocol sends it; None where the protocol has no such thing."""
    parts = {"chat": _chat, "responses": _responses, "anthropic": _anthropic, "gemini": _gemini}
    return parts[protocol](picture, paper).get(kind)


def _chat(picture: str, paper: str) -> dict[str, Part]:
    def image(url: str) -> Part:
        return {"type": "image_url", "image_url": {"url": url}}

    def file(name: str, url: str) -> Part:
        return {"type": "file", "file": {"filename": name, "file_data": url}}

    return {
        "png": image(data_url("image/png", PNG)),
        "picture by url": image(picture),
        "bmp": image(data_url("image/bmp", BMP)),
        "pdf": file("a.pdf", data_url("application/pdf", PDF)),
        "text": file("a.txt", data_url("text/plain", _base64(TEXT.encode()))),
        "wav": {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        "mp3": {"type": "input_audio", "input_audio": {"data": MP3, "format": "mp3"}},
        "video": {"type": "video_url", "video_url": {"url": data_url("video/mp4", MP4)}},
        "file id": {"type": "file", "file": {"file_id": FILE_IDS["chat"]}},
    }


def _responses(picture: str, paper: str) -> dict[str, Part]:
    def image(url: str) -> Part:
        return {"type": "input_image", "image_url": url, "detail": "auto"}

    def file(name: str, url: str) -> Part:
        return {"type": "input_file", "filename": name, "file_data": url}

    return {
        "png": image(data_url("image/png", PNG)),
        "picture by url": image(picture),
        "bmp": image(data_url("image/bmp", BMP)),
        "pdf": file("a.pdf", data_url("application/pdf", PDF)),
        "pdf by url": {"type": "input_file", "file_url": paper},
        "text": file("a.txt", data_url("text/plain", _base64(TEXT.encode()))),
        "wav": {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        "mp3": {"type": "input_audio", "input_audio": {"data": MP3, "format": "mp3"}},
        "video": {"type": "input_video", "video_url": data_url("video/mp4", MP4)},  # there is none
        "file id": {"type": "input_file", "file_id": FILE_IDS["responses"]},
        "picture id": {"type": "input_image", "file_id": FILE_IDS["responses"], "detail": "auto"},
    }


def _anthropic(picture: str, paper: str) -> dict[str, Part]:
    def source(mime: str, content: str) -> Part:
        return {"type": "base64", "media_type": mime, "data": content}

    plain = {"type": "text", "media_type": "text/plain", "data": TEXT}
    return {
        "png": {"type": "image", "source": source("image/png", PNG)},
        "picture by url": {"type": "image", "source": {"type": "url", "url": picture}},
        "bmp": {"type": "image", "source": source("image/bmp", BMP)},
        "pdf": {"type": "document", "source": source("application/pdf", PDF)},
        "titled pdf": {
            "type": "document",
            "source": source("application/pdf", PDF),
            "title": "Report",
            "context": "Read it all.",
        },
        "pdf by url": {"type": "document", "source": {"type": "url", "url": paper}},
        "text": {"type": "document", "source": plain, "title": "a.txt"},
        "citing text": {"type": "document", "source": plain, "title": "a.txt", "citations": {"enabled": True}},
        "wav": {"type": "audio", "source": source("audio/wav", WAV)},  # there is none
        "file id": {"type": "document", "source": {"type": "file", "file_id": FILE_IDS["anthropic"]}},
        "picture id": {"type": "image", "source": {"type": "file", "file_id": FILE_IDS["anthropic"]}},
    }


def _gemini(picture: str, paper: str) -> dict[str, Part]:
    def inline(mime: str, content: str) -> Part:
        return {"inlineData": {"mimeType": mime, "data": content}}

    def file(mime: str, uri: str) -> Part:
        return {"fileData": {"mimeType": mime, "fileUri": uri}}

    return {
        "png": inline("image/png", PNG),
        "picture by url": file("image/png", picture),
        "bmp": inline("image/bmp", BMP),
        "pdf": inline("application/pdf", PDF),
        "pdf by url": file("application/pdf", paper),
        "text": {"inlineData": {"mimeType": "text/plain", "data": _base64(TEXT.encode()), "displayName": "a.txt"}},
        "wav": inline("audio/wav", WAV),
        "mp3": inline("audio/mp3", MP3),
        "video": inline("video/mp4", MP4),
        "video by url": {"fileData": {"fileUri": "https://www.youtube.com/watch?v=abc"}},
        "file id": file("application/pdf", FILE_IDS["gemini"]),
        "picture id": file("image/png", FILE_IDS["gemini"]),
    }


def built(wire: str, protocol: str, kind: str) -> list[Part] | None:
    """What stands behind the words in the provider's body; None where no provider of that protocol may get it."""
    parts = {"chat": _to_chat, "responses": _to_responses, "anthropic": _to_anthropic, "gemini": _to_gemini}
    return parts[wire](protocol).get(kind)


def _to_chat(protocol: str) -> dict[str, list[Part]]:
    """The OpenAI protocols name files, and Responses a detail; the others do not."""
    made, detail = _chat(PICTURE_URL, PAPER_URL), {"detail": "auto"} if protocol == "responses" else {}
    for kind in ("png", "picture by url", "bmp"):
        made[kind]["image_url"] |= detail
    made["text"] = made["citing text"] = {"type": "text", "text": f"a.txt\n{TEXT}"}
    pdf = {"type": "file", "file": {"filename": "document.pdf", "file_data": data_url("application/pdf", PDF)}}
    if protocol not in ("chat", "responses"):
        made["pdf"] = pdf
    for kind in ("video", "file id"):
        del made[kind]
    return {
        **{kind: [part] for kind, part in made.items()},
        "titled pdf": [{"type": "text", "text": "Report\nRead it all."}, pdf],
    }


def _to_responses(protocol: str) -> dict[str, list[Part]]:
    made = _responses(PICTURE_URL, PAPER_URL)
    made["text"] = made["citing text"] = {"type": "input_text", "text": f"a.txt\n{TEXT}"}
    pdf = {"type": "input_file", "filename": "document.pdf", "file_data": data_url("application/pdf", PDF)}
    if protocol != "chat":
        made["pdf"] = pdf
    for kind in ("video", "file id", "picture id"):
        del made[kind]
    return {
        **{kind: [part] for kind, part in made.items()},
        "titled pdf": [{"type": "input_text", "text": "Report\nRead it all."}, pdf],
    }


def _to_anthropic(protocol: str) -> dict[str, list[Part]]:
    made = _anthropic(PICTURE_URL, PAPER_URL)
    if protocol in ("chat", "responses"):
        made["pdf"]["title"] = "a.pdf"
    for kind in ("bmp", "wav", "file id", "picture id"):
        del made[kind]
    return {kind: [part] for kind, part in made.items()}


def _to_gemini(protocol: str) -> dict[str, list[Part]]:
    made = _gemini(PICTURE_URL, PAPER_URL)
    made["text"] = made["citing text"] = {"text": f"a.txt\n{TEXT}"}
    for kind in ("picture by url", "pdf by url", "file id", "picture id"):
        del made[kind]
    if protocol in ("responses", "anthropic"):  # there is none that could come
        made = {kind: part for kind, part in made.items() if kind not in ("video", "video by url")}
    if protocol == "anthropic":
        del made["wav"]
    return {
        **{kind: [part] for kind, part in made.items()},
        "titled pdf": [{"text": "Report\nRead it all."}, made["pdf"]],
    }
