"""What can be seen of records, transcripts and answers from records."""

import json
import shutil
import time
from base64 import b64encode
from datetime import date, timedelta

from tests.e2e.proxy import ROOT
from tests.e2e.settings.effects import ask, good, mark, until
from tests.e2e.settings.ways import Place, Started
from tests.fakes.samples import png

MAIL = "jo.doe@example.com"
RECORDING = ROOT / "tests" / "recordings" / "openai-custom" / "chat_text"


def _day(ago: int) -> str:
    return f"{date.today() - timedelta(days=ago)}.jsonl"


def record_dir(place: Place) -> str:
    """With files of five days ago and of yesterday."""
    folder = place.folder / "kept"
    folder.mkdir(exist_ok=True)
    for ago in (5, 1):
        (folder / _day(ago)).write_text("{}\n")
    return str(folder)


def replay(place: Place) -> str:
    """A recording, whose answer takes a minute."""
    folder = shutil.copytree(RECORDING, place.folder / "recording", dirs_exist_ok=True)
    chunks = folder / "client_answer.chunks.json"
    *others, (_, size) = json.loads(chunks.read_text())
    chunks.write_text(json.dumps([*others, [60.0, size]]))
    return str(folder)


def _kept(started: Started) -> str:
    """All records, but for those in compressed files."""
    return "".join(path.read_text() for path in sorted(started.place.folder.glob("kept/*.jsonl")))


def _said(started: Started) -> str:
    return "".join(path.read_text() for path in started.place.folder.glob("said-*.log"))


def _recorded(started: Started, words: str, **more: object) -> str:
    """The records, with that of a request of such words."""
    good(ask(started, "openai-custom", "gpt-4.1-text", words, **more))
    until(lambda: words in _kept(started))
    return _kept(started)


def records(started: Started) -> None:
    """record_dir; redact_patterns: emails."""
    words = mark(started, "record")
    assert MAIL not in _recorded(started, words, messages=[{"role": "user", "content": f"{words} Write to {MAIL}"}])


def record_rotate_size(started: Started) -> None:
    until(lambda: (started.place.folder / "kept" / _day(0)).with_suffix(".1.jsonl").exists())


def record_keep_days(started: Started) -> None:
    """record_compress too. What the second request adds to the records comes after all old files were seen to."""
    _recorded(started, mark(started, "keep, first"))
    until(lambda: not (started.place.folder / "kept" / _day(5)).exists())
    _recorded(started, mark(started, "keep, second"))
    assert (started.place.folder / "kept" / _day(1)).exists()


def record_media(started: Started) -> None:
    words, picture = mark(started, "media"), b64encode(png(3) + bytes(600)).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": words}, part]}]
    assert picture in _recorded(started, words, messages=messages)


def nothing_kept(started: Started) -> None:
    """record and redact: no record, and a transcript with all that was said."""
    words, key = mark(started, "nothing kept"), "sk-" + "a" * 20
    ask(started, "claude-custom", "claude-sonnet-4-5-text", f"{words} {key}")
    until(lambda: words in _said(started))
    assert key in _said(started)
    assert words not in _kept(started)


def log_prompts(started: Started) -> None:
    words = mark(started, "transcript")
    good(ask(started, "openai-custom", "gpt-4.1-text", words))
    until(lambda: words in _said(started))


def replayed(started: Started) -> None:
    """replay and replay_timing."""
    asked = json.loads((RECORDING / "client_request.json").read_text())
    recorded = json.loads((RECORDING / "exchange.json").read_text())
    began = time.monotonic()
    answer = started.web.post(recorded["request"]["path"], json=asked)
    good(answer)
    assert answer.headers["x-aiclient-replay"] == recorded["id"]
    assert answer.content.endswith(b"data: [DONE]\n\n")
    assert time.monotonic() - began < 15
