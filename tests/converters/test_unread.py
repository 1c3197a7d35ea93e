"""17: fields inside objects that a parser does not read are named in the loss list."""

from converters.json_codec import Json
from converters.loss import Loss
from converters.unread import Kinds, Known, report_unread

PART = Kinds(
    "type", {"text": Known("type text", drop="style"), "image": Known("type", source=Known("url"))}, missing="text"
)


def report(parts: Json) -> Loss:
    loss = Loss()
    report_unread({"parts": parts, "other": {"x": 1}}, {"parts": PART}, loss)
    return loss


def test_what_is_read_is_not_told() -> None:
    loss = report([{"type": "text", "text": "a"}, {"type": "image", "source": {"url": "u"}}])
    assert loss.dropped == loss.noted == loss.changed == {}


def test_17_what_is_not_read_is_noted_by_its_path() -> None:
    loss = report([{"type": "image", "weight": 1, "source": [{"url": "u", "size": False}]}])
    assert list(loss.noted) == ["parts.weight", "parts.source.size"]
    assert loss.dropped == {}


def test_17_what_the_client_will_miss_is_dropped() -> None:
    assert list(report({"text": "a", "style": "b"}).dropped) == ["parts.style"]


def test_17_what_says_nothing_is_not_told() -> None:
    loss = report([{"type": "text", "a": None, "b": [], "c": {}, "d": "", "style": None}])
    assert loss.dropped == loss.noted == {}


def test_an_unknown_kind_is_the_parsers_affair() -> None:
    assert report([{"type": "sound", "volume": 11}]).noted == {}


def test_values_of_another_shape_are_left_to_the_parser() -> None:
    assert report("words").noted == report(["words", 1, None]).noted == report(7).noted == {}


def test_nothing_is_asked_of_an_object_whose_fields_are_told_elsewhere() -> None:
    loss = Loss()
    report_unread({"a": {"b": {"c": 1, "d": 2}, "e": 3}}, {"a": Known(None, b=Known("c"))}, loss)
    assert list(loss.noted) == ["a.b.d"]
