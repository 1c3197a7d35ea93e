"""Redaction: secrets out of headers, URLs, bodies and streams before anything is written. What they look like: `redact_rules`.

A secret becomes `[redacted:KIND]`. Nothing that is made from the secret is written, no hash either: a short one could be found by
trying. The same bytes always come out the same.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from addons.alike import Recent
from addons.redact_glance import glance
from addons.redact_rules import ESCAPE, KNOWN, PREFIX, own_patterns, rules_for

_LOOKS_BACK = 64  # bytes before and behind a match that have a say in it
_WORTH_KEEPING = 4096  # bytes; below, a search costs less than looking for what is alike
_SHORT, _SHORT_KEPT = 512, 2048  # characters of a text that is remembered; how many are
_MOST_KNOWN = 256
_WINDOW = 1 << 14  # bytes that are searched at once
_GLANCED = 1 << 16  # bytes that are glanced at at once

_SECRET_HEADERS = frozenset(
    {"authorization", "cookie", "set-cookie", "x-auth", "www-authenticate", "api-key", "apikey"}
)
_SECRET_ENDINGS = ("-token", "-key", "-secret", "-password", "_token", "_key", "_secret", "-signature", "-credential")
_SECRET_BEGINNINGS = ("proxy-",)
_PUBLIC = frozenset({"sec-websocket-key", "idempotency-key", "x-idempotency-key"})
_UNICODE = re.compile(rb"\\u00([2-7][0-9a-fA-F])")
# Members of a stream's events whose values are pieces of one text.
_PIECES = re.compile(
    rb'"(content|text|thinking|reasoning|reasoning_content|partial_json|arguments|delta|input|refusal|summary)"\s*:\s*'
    rb'"((?:[^"\\]|\\.)*)"'
)


@dataclass(slots=True)
class Span:
    """start, end: what to redact. first, last: what was looked at for it. stands: what to put in its place, by default `mark`."""

    start: int
    end: int
    kind: str
    first: int
    last: int
    stands: bytes | None = None

    @property
    def mark(self) -> bytes:
        """Nothing for a later piece of a secret, whose kind is ""."""
        if self.stands is not None:
            return self.stands
        return b"[redacted:%s]" % self.kind.encode() if self.kind else b""


type Fit = Callable[[bytes, Sequence[Span]], list[Span]]


class Redactor:
    """known: the secrets of our own that are in use now, word for word; asked for before each search. rules: `emails`, `paths` or
    regular expressions, to be redacted besides (ValueError). shapes False: nothing but known secrets and secret headers.

    Not for several threads at once.
    """

    def __init__(
        self, known: Callable[[], Iterable[str]] = tuple, rules: Sequence[str] = (), *, shapes: bool = True
    ) -> None:
        self._known, self._shapes = known, shapes
        self._asked: tuple[str, ...] = ()
        self._secrets: dict[bytes, None] = {}  # in the order they came up; a token that was renewed is still one
        self._own = own_patterns(rules)
        self._take(frozenset())

    def _take(self, secrets: frozenset[bytes]) -> None:
        """What was found with other rules counts no more."""
        self._rules = rules_for(secrets, self._shapes)
        self._may_hold = glance(tuple(self._rules.secrets), self._shapes)
        self._recent: defaultdict[str, Recent[list[Span]]] = defaultdict(Recent)
        self._texts: dict[str, str] = {}
        self._fields: dict[tuple[bytes, bytes] | tuple[str, str], tuple[str, str]] = {}

    def refresh(self, more: Iterable[str] = ()) -> bool:
        """Takes up secrets that have come up since; whether there are any. more: beside those that `known` gives."""
        asked = (*self._known(), *more)
        if asked == self._asked:
            return False
        self._asked = asked
        new = [secret for text in asked if (secret := text.encode(errors="replace")) not in self._secrets]
        if new:
            self._secrets.update(dict.fromkeys(new))
            while len(self._secrets) > _MOST_KNOWN:
                del self._secrets[next(iter(self._secrets))]
            self._take(frozenset(self._secrets))
        return bool(new)

    # --- what is to be redacted ---

    def body(self, data: bytes, kind: str = "") -> bytes:
        """A body, or any other text in UTF-8. JSON stays JSON. kind: names those that it is likely to be like."""
        spans = self.spans(data, kind)
        return replaced(data, spans) if spans else data

    def text(self, text: str) -> str:
        """Short ones are remembered: models and URLs are those of the exchange before."""
        found = self._texts.get(text)
        if found is None:
            data = text.encode(errors="surrogatepass")
            spans = self.spans(data)
            found = replaced(data, spans).decode(errors="replace") if spans else text
            if len(text) <= _SHORT:
                _remember(self._texts, text, found)
        return found

    def url(self, url: str) -> str:
        return self.text(url)

    def headers(self, fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
        """Names in lower case, in their order. Most are those of the exchange before."""
        known = self._fields
        return [known.get(field) or self._field(field, *field) for field in fields]

    def client_headers(self, fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The same for text that was read as Latin-1."""
        known = self._fields
        return [
            known.get(field) or self._field(field, field[0].encode("latin-1"), field[1].encode("latin-1"))
            for field in fields
        ]

    def _field(self, field: tuple[bytes, bytes] | tuple[str, str], name: bytes, value: bytes) -> tuple[str, str]:
        lower = name.decode("latin-1").lower()
        if is_secret(lower):
            return lower, "[redacted:header]"
        clean = lower, self.body(value).decode("utf-8", "backslashreplace")
        if len(value) <= _SHORT:
            _remember(self._fields, field, clean)
        return clean

    def stream(
        self, chunks: Sequence[bytes], kind: str = "", *, split: bool = False, fit: Fit | None = None
    ) -> Sequence[bytes]:
        """As many chunks, cut where they were; a secret that was cut stands in the chunk that it begins in. `chunks` itself where
        there is none.

        split: also secrets whose pieces stand in several events of the stream. fit: what else must be replaced.
        """
        data = b"".join(chunks)
        spans = self.spans(data, kind)
        if split:
            spans = merged([*spans, *self._across_events(data)])
        if spans and fit is not None:
            spans = fit(data, spans)
        return recut(data, spans, [len(chunk) for chunk in chunks]) if spans else chunks

    # --- where it is ---

    def spans(self, data: bytes, kind: str = "") -> list[Span]:
        """In order, not overlapping."""
        if len(data) >= _WORTH_KEEPING:
            found = self._searched_anew(data, kind)
        elif self._may_hold(data):
            found = self._searched(data)
        else:
            found = []
        own = [
            Span(*match.span(match.lastindex or 0), kind, *match.span())
            for pattern, kind in self._own
            for match in pattern.finditer(data)
            if match.group(match.lastindex or 0)
        ]
        if own or any(span.kind == ESCAPE for span in found):
            found = merged([*(span for span in found if span.kind != ESCAPE), *self._behind_escapes(data, found), *own])
        return found

    def _searched(self, data: bytes) -> list[Span]:
        return merged(self._span(match, data) for match in self._matches(data, 0, len(data)))

    def _matches(self, data: bytes, at: int, until: int) -> Iterator[re.Match[bytes]]:
        """Those that begin before `until`. Window by window, and only where a glance says that there may be one: a search is not
        interrupted, and all other threads wait for it."""
        pattern, reach, clean = self._rules.pattern, self._rules.reach, at
        while at < until:
            if at >= clean:
                clean = min(until, at + _GLANCED)
                if not self._may_hold(data[max(0, at - _LOOKS_BACK) : clean + reach]):
                    at = clean
                    continue
            end = min(until, at + _WINDOW)
            behind = min(len(data), end + reach)
            match = None
            if self._may_hold(data[max(0, at - _LOOKS_BACK) : behind]):
                match = pattern.search(data, at, behind)
            if match is None or match.start() >= end:
                at = end
                continue
            if match.end() > end:  # it may have been cut short by the window's end
                whole = pattern.match(data, match.start())
                if whole is None:
                    at = match.start() + 1
                    continue
                match = whole
            yield match
            at = match.end()

    def _span(self, match: re.Match[bytes], data: bytes) -> Span:
        name = match.lastgroup or ""
        kind = self._rules.kinds[name]
        start, end = match.span(name)
        if start == end:
            start, end = match.span()
            if kind not in (KNOWN, ESCAPE) and (prefix := PREFIX.search(data, max(0, start - 12), start)):
                start = prefix.start()
        return Span(start, end, kind, *match.span())

    def _searched_anew(self, data: bytes, kind: str) -> list[Span]:
        """Only where the body differs from the most alike of the last ones."""
        before, spans, ends = self._recent[kind].most_alike(data)
        if spans is not None and 2 * sum(ends) > len(data):
            result = self._differing(data, before, spans, *ends)
        else:
            result = self._searched(data)
        self._recent[kind].keep(data, result, before, ends)
        return result

    def _differing(self, data: bytes, before: bytes, spans: list[Span], start: int, end: int) -> list[Span]:
        """`data` and `before` are alike in their first `start` and their last `end` bytes; `spans` are those of `before`.

        At both places where the searches meet, both stand in the same text with no match open, so they go on alike.
        """
        shift = len(data) - len(before)
        at = max(0, start - self._rules.reach)
        found = []
        for span in spans:
            if span.last + _LOOKS_BACK <= start:
                found.append(span)
                at = max(at, span.last)
            elif span.first < at:
                at = span.first
        found = [span for span in found if span.last <= at]
        until = len(data) - end + _LOOKS_BACK
        while True:  # the place to stop moves while a match, old or new, stands over it
            until = max(
                [until, *(span.last + shift for span in spans if span.first + shift < until < span.last + shift)]
            )
            found += (self._span(match, data) for match in self._matches(data, at, until))
            at = max([until, *(span.last for span in found[-1:])])
            if not any(span.first + shift < at < span.last + shift for span in spans):
                break
            until = at
        until = at
        found += [
            Span(span.start + shift, span.end + shift, span.kind, span.first + shift, span.last + shift)
            for span in spans
            if span.first + shift >= until
        ]
        return merged(found)

    def _behind_escapes(self, data: bytes, found: Iterable[Span]) -> Iterator[Span]:
        """Secrets some of whose letters are written as `\\u0041`."""
        if not any(span.kind == ESCAPE for span in found):
            return
        plain, places = bytearray(), [(0, 0)]  # (place in plain, place in data), one where they begin to differ anew
        copied = 0
        for match in _UNICODE.finditer(data):
            plain += data[copied : match.start()]
            places.append((len(plain), match.start()))
            plain.append(int(match[1], 16))
            copied = match.end()
            places.append((len(plain), copied))
        plain += data[copied:]
        for span in self._searched(bytes(plain)):
            if span.kind != ESCAPE:
                yield _moved(span, places)

    def _across_events(self, data: bytes) -> Iterator[Span]:
        """Secrets whose pieces stand in the events of a stream."""
        texts: dict[bytes, bytearray] = {}
        places: dict[bytes, list[tuple[int, int]]] = {}
        for match in _PIECES.finditer(data):
            name = match[1]
            text = texts.setdefault(name, bytearray())
            places.setdefault(name, []).append((len(text), match.start(2)))
            text += match[2]
        for name, text in texts.items():
            starts = [place for place, _ in places[name]]
            for span in self.spans(bytes(text)):
                first = bisect_right(starts, span.start) - 1
                for number in range(first, len(starts)):
                    if starts[number] >= span.end:
                        break
                    piece_end = starts[number + 1] if number + 1 < len(starts) else len(text)
                    begin, end = max(span.start, starts[number]), min(span.end, piece_end)
                    if begin < end:
                        raw = places[name][number][1] - starts[number]
                        kind = span.kind if number == first else ""
                        yield Span(begin + raw, end + raw, kind, begin + raw, end + raw)


def _remember[Key, Clean](known: dict[Key, Clean], key: Key, clean: Clean) -> None:
    if len(known) >= _SHORT_KEPT:
        known.clear()
    known[key] = clean


@lru_cache(maxsize=512)
def is_secret(name: str) -> bool:
    """Whether a header of this name, in lower case, holds a credential."""
    return (
        name in _SECRET_HEADERS
        or name.endswith(_SECRET_ENDINGS)
        or name.startswith(_SECRET_BEGINNINGS)
        or "authorization" in name
        or "cookie" in name
    ) and name not in _PUBLIC


def _moved(span: Span, places: list[tuple[int, int]]) -> Span:
    start, end = _place(span.start, places), _place(span.end, places)
    return Span(start, end, span.kind, start, end)


def _place(at: int, places: list[tuple[int, int]]) -> int:
    plain, raw = places[bisect_right(places, (at, 1 << 62)) - 1]
    return raw + at - plain


def merged(spans: Iterable[Span]) -> list[Span]:
    """In order; those that overlap as one, named by the first."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if out and span.start < out[-1].end:
            out[-1] = Span(
                out[-1].start,
                max(out[-1].end, span.end),
                out[-1].kind if out[-1].kind != ESCAPE else span.kind,
                min(out[-1].first, span.first),
                max(out[-1].last, span.last),
            )
        else:
            out.append(span)
    return out


def replaced(data: bytes, spans: Iterable[Span]) -> bytes:
    pieces: list[bytes] = []
    copied = 0
    for span in spans:
        pieces += (data[copied : span.start], span.mark)
        copied = span.end
    return b"".join((*pieces, data[copied:]))


def recut(data: bytes, spans: Sequence[Span], lengths: Sequence[int]) -> list[bytes]:
    """`data` with its spans replaced, cut where pieces of these lengths ended."""
    out = replaced(data, spans)
    cuts, grown, number = [0], 0, 0
    for end in accumulate(lengths):
        while number < len(spans) and spans[number].end <= end:
            grown += len(spans[number].mark) - (spans[number].end - spans[number].start)
            number += 1
        if number < len(spans) and spans[number].start < end:  # cut inside: all of the mark stands before the cut
            cuts.append(spans[number].start + grown + len(spans[number].mark))
        else:
            cuts.append(end + grown)
    return [out[cuts[n] : cuts[n + 1]] for n in range(len(lengths))]
