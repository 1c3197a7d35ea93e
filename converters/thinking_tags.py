"""Reasoning that a model writes as text: a leading `<think>...</think>` is split off, piece by piece (conversion rules 7.3)."""

from collections.abc import Iterator
from typing import Literal

type Piece = tuple[Literal["thinking", "text"], str]


class ThinkingTags:
    """Takes the text as it comes, in any slices; gives it back as thinking and text, nothing lost but the tags.

    Only tags at the very start count (white space before them goes with them): later ones are the model talking about
    tags. What could still become a tag is held back; `done` says that all that follows is text and may pass unseen.
    An answer that ends inside the tags was all thinking.
    """

    __slots__ = ("_close", "_held", "_inside", "_open", "done")

    def __init__(self, open_tag: str = "<think>", close_tag: str = "</think>") -> None:
        self._open = open_tag
        self._close = close_tag
        self._held = ""
        self._inside = False
        self.done = False

    def feed(self, text: str) -> Iterator[Piece]:
        text = self._held + text
        self._held = ""
        if not self.done and not self._inside:
            start = text.lstrip()
            if start.startswith(self._open):
                self._inside = True
                text = start[len(self._open) :]
            elif self._open.startswith(start):  # not enough yet to tell, an empty one included
                self._held = text
                return
            else:
                self.done = True
        if self._inside:
            thinking, tag, text = text.partition(self._close)
            if tag:
                self._inside, self.done = False, True
            else:
                cut = len(thinking) - _overlap(thinking, self._close)
                thinking, self._held = thinking[:cut], thinking[cut:]
            if thinking:
                yield "thinking", thinking
        if text:
            yield "text", text

    def close(self) -> Iterator[Piece]:
        """The answer is over: what was held back is what it looked like."""
        held, self._held = self._held, ""
        if held:
            yield ("thinking" if self._inside else "text"), held


def _overlap(text: str, tag: str) -> int:
    """Length of the longest end of `text` that begins `tag`."""
    return next((size for size in range(min(len(text), len(tag) - 1), 0, -1) if tag.startswith(text[-size:])), 0)
