"""Reasoning that a model was asked to write as `<thinking>...</thinking>` at the head of its text (Kiro's conversion rules 18.1)."""

import re
from collections.abc import Iterator

from converters.thinking_tags import Piece

_OPEN, _CLOSE = "<thinking>", "</thinking>"
_BLANK = "\n\n"
_OPENING_QUOTE = re.compile(r"(?:^|[\s(\[{:=,])[\"']$|[“‘]$")
_AHEAD = len(_CLOSE) + len(_BLANK)  # what must be seen to tell a tag


class QuotedTags:
    """Takes the text as it comes, in any slices; gives it back as thinking and text.

    The opening tag counts only at the very start (white space before it goes with it). The closing one counts when a blank line
    follows, which goes with it, and when it is not quoted, by an opening quote before it or by a backtick span that its line
    leaves open: models talk about the tag while they think. `close` stands for that blank line: the text is over, or a call comes next.
    `done` says that all that follows is text. An answer that ends inside the tags was all thinking.
    """

    __slots__ = ("_held", "_inside", "_line", "done")

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._line = ""  # what was given back of the line that `_held` goes on
        self.done = False

    def feed(self, text: str) -> Iterator[Piece]:
        text, self._held = self._held + text, ""
        if not self.done and not self._inside:
            start = text.lstrip()
            if start.startswith(_OPEN):
                self._inside = True
                text = start[len(_OPEN) :]
            elif _OPEN.startswith(start):  # not enough yet to tell, an empty one included
                self._held = text
                return
            else:
                self.done = True
        if not self._inside:
            if text:
                yield "text", text
            return
        at, undecided = self._closing(text)
        if at is not None:
            self._inside, self.done = False, True
            if at:
                yield "thinking", text[:at]
            if rest := text[at + _AHEAD :]:
                yield "text", rest
            return
        text, self._held = text[:undecided], text[undecided:]
        if text:
            self._line = (self._line + text).rpartition("\n")[2]
            yield "thinking", text

    def close(self) -> Iterator[Piece]:
        """What was held back is what it looked like, a closing tag at the very end included."""
        held, self._held = self._held, ""
        inside, self._inside, self.done = self._inside, False, True
        if inside and held.startswith(_CLOSE) and self._counts(held, 0):
            held = ""
        if held:
            yield ("thinking" if inside else "text"), held

    def _closing(self, text: str) -> tuple[int | None, int]:
        """(where the closing tag is, None if it is not there; from where on nothing can be told yet)."""
        at = text.find(_CLOSE)
        while at >= 0:
            behind = text[at + len(_CLOSE) : at + _AHEAD]
            if _BLANK.startswith(behind) and len(behind) < len(_BLANK):
                return None, at
            if behind == _BLANK and self._counts(text, at):
                return at, at
            at = text.find(_CLOSE, at + 1)
        return None, len(text) - _begun(text)

    def _counts(self, text: str, at: int) -> bool:
        line = (self._line + text[:at]).rpartition("\n")[2]
        return line.count("`") % 2 == 0 and not _OPENING_QUOTE.search(line)


def _begun(text: str) -> int:
    """Length of the end of `text` that begins the closing tag."""
    return next((size for size in range(min(len(text), len(_CLOSE) - 1), 0, -1) if _CLOSE.startswith(text[-size:])), 0)
