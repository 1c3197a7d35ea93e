"""Deltas of an answer -> content blocks: text, thinking and calls, each opened and closed in order (conversion rules 14.6)."""

from collections.abc import Iterator
from itertools import count

from converters.data_url import is_data_url, read_data_url
from converters.events import (
    Citation,
    ImageOut,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextEnd,
    TextStart,
    ThinkingDelta,
    ThinkingEnd,
    ThinkingStart,
)
from converters.json_codec import Json, JsonObject
from converters.openai_chat.calls import Calls
from converters.openai_chat.parse_parts import thinking_text
from converters.openai_chat.reasoning_details import read_detail
from converters.thinking_tags import ThinkingTags
from converters.turns import Token


class Content:
    """One answer's content.

    text: number of the open text block. found: something came that makes it an answer. refused: some of it is a refusal.
    skipped: items of no use. answer: what tells this answer from others.
    """

    def __init__(self, tags: ThinkingTags | None) -> None:
        self.text: int | None = None
        self.found = False
        self.refused = False
        self._skipped = 0
        self.answer = ""
        self._blocks: Iterator[int] = count()
        self._thinking: int | None = None  # number of the open thinking block
        self._token: Token | None = None  # of the open thinking block
        self._space = ""  # white space behind thinking or calls: text only if more text follows
        self._has_reasoning_field = False
        self._calls = Calls(self._blocks)
        self._tags = tags

    @property
    def skipped(self) -> int:
        return self._skipped + self._calls.skipped

    @property
    def has_calls(self) -> bool:
        return self._calls.found

    def delta(self, delta: JsonObject) -> Iterator[StreamEvent]:
        yield from self._reasoning(delta)
        content = delta.get("content")
        if isinstance(content, str):
            yield from self._tagged(content)
        elif isinstance(content, list):
            yield from self._parts(content)
        if (refusal := delta.get("refusal")) and isinstance(refusal, str):
            self.found = self.refused = True
            yield from self._close_blocks()
            yield RefusalDelta(refusal)
        for call in items(delta.get("tool_calls")):
            yield from self._call(call)
        if isinstance(legacy := delta.get("function_call"), dict):
            yield from self._call({"index": -1, "function": legacy})
        for image in items(delta.get("images")):
            yield from self._image(image)
        for annotation in items(delta.get("annotations")):
            yield from self._citation(annotation)

    def close(self) -> Iterator[StreamEvent]:
        """The answer is over: what was held back goes out, all blocks are closed."""
        if self._tags is not None:
            for kind, piece in self._tags.close():
                yield from self._think(piece) if kind == "thinking" else self._say(piece)
        space, self._space = self._space, ""
        yield from self._close_blocks()
        if space:
            yield from self._say(space)
            yield from self._close_blocks()

    # --- thinking ---

    def _reasoning(self, delta: JsonObject) -> Iterator[StreamEvent]:
        """`reasoning_content` wins over `reasoning`, and both over the text of `reasoning_details`, which repeats it."""
        text = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(text, str) and text:
            self._has_reasoning_field = True
            yield from self._think(text)
        for detail in items(delta.get("reasoning_details")):
            said, token = read_detail(detail)
            if said and not self._has_reasoning_field:
                yield from self._think(said)
            if token is not None:
                yield from self._carry(token)

    def _think(self, text: str) -> Iterator[StreamEvent]:
        self._space = ""
        if self._thinking is None:
            yield from self._open_thinking()
        assert self._thinking is not None
        yield ThinkingDelta(self._thinking, text)

    def _carry(self, token: Token) -> Iterator[StreamEvent]:
        """A token belongs to the open thinking block; redacted thinking, or a token that comes late, is a block of its own."""
        own = self._thinking is None or self._token is not None or token.origin == "x"
        if own:
            yield from self._open_thinking()
        self._token = token
        if own:
            yield from self._close_blocks()

    def _open_thinking(self) -> Iterator[StreamEvent]:
        yield from self._close_blocks()
        self.found = True
        self._thinking = next(self._blocks)
        yield ThinkingStart(self._thinking)

    # --- text ---

    def _tagged(self, text: str) -> Iterator[StreamEvent]:
        if self._tags is None:
            yield from self._say(text)
            return
        for kind, piece in self._tags.feed(text):
            yield from self._think(piece) if kind == "thinking" else self._say(piece)
        if self._tags.done:
            self._tags = None

    def _say(self, text: str) -> Iterator[StreamEvent]:
        if not text:
            return
        if self.text is None:
            if text.isspace() and (self._thinking is not None or self._calls.open):
                self._space += text
                return
            text, self._space = self._space + text, ""
            yield from self._close_blocks()
            self.found = True
            self.text = next(self._blocks)
            yield TextStart(self.text)
        yield TextDelta(self.text, text)

    def _parts(self, content: list[Json]) -> Iterator[StreamEvent]:
        """Mistral: text and thinking as parts."""
        for part in content:
            match part:
                case {"type": "text", "text": str(text)}:
                    yield from self._tagged(text)
                case {"type": "thinking"} if isinstance(part, dict):
                    if text := thinking_text(part):
                        yield from self._think(text)
                case _:
                    self._skipped += 1

    # --- the rest ---

    def _call(self, entry: Json) -> Iterator[StreamEvent]:
        self._space = ""
        if self.text is not None or self._thinking is not None:
            yield from self._close_blocks()
        yield from self._calls.add(entry)

    def _image(self, image: Json) -> Iterator[StreamEvent]:
        match image:
            case {"image_url": {"url": str(url)}} if is_data_url(url) and "," in url:
                self.found = True
                yield from self._close_blocks()
                yield ImageOut(read_data_url(url, "images"))
            case {"image_url": {"url": str(url)}}:  # a picture elsewhere: its address as text, not to lose it
                yield from self._say(f"![image]({url})")
            case _:
                self._skipped += 1

    def _citation(self, annotation: Json) -> Iterator[StreamEvent]:
        match annotation:
            case {"type": "url_citation", "url_citation": {"url": str(url)} as cited} if isinstance(cited, dict):
                title, start, end = cited.get("title"), cited.get("start_index"), cited.get("end_index")
                yield Citation(
                    url,
                    title if isinstance(title, str) else None,
                    start if isinstance(start, int) else None,
                    end if isinstance(end, int) else None,
                )
            case _:
                self._skipped += 1

    def _close_blocks(self) -> Iterator[StreamEvent]:
        if self.text is not None:
            yield TextEnd(self.text)
        if self._thinking is not None:
            yield ThinkingEnd(self._thinking, self._token)
        self.text = self._thinking = self._token = None
        yield from self._calls.end(self.answer)


def items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
