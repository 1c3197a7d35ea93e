"""6: ids, arguments, and the order of calls and results."""

import copy
import hashlib

import pytest

from converters.history import arguments_object, arguments_text, legal_id, order_results
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.turns import Base64, Cache, Image, Part, Text, ToolCall, ToolResult, Turn
from converters.wire import Limits

ANY, STRICT = Limits(), Limits(id_chars="A-Za-z0-9_-")
IMAGE = Image(Base64("image/png", "AA=="))


def call(id_: str, name: str = "f") -> ToolCall:
    return ToolCall(id_, name, {})


def result(id_: str, text: str = "ok", name: str | None = "f") -> ToolResult:
    return ToolResult(id_, [Text(text)], name)


def user(*parts: Part) -> Turn:
    return Turn("user", list(parts))


def assistant(*parts: Part) -> Turn:
    return Turn("assistant", list(parts))


def system(text: str) -> Turn:
    return Turn("system", [Text(text)])


def order(*turns: Turn, limits: Limits = ANY) -> tuple[list[Turn], Loss]:
    loss = Loss()
    given = list(turns)
    before = copy.deepcopy(given)
    ordered = order_results(given, limits, loss)
    assert given == before
    return ordered, loss


@pytest.mark.parametrize(
    ("limits", "id_", "sent"),
    [
        (STRICT, "toolu_01-A", "toolu_01-A"),
        (STRICT, "call.1|x", "call_1_x"),
        (STRICT, "", "_"),
        (ANY, "call.1|ü", "call.1|ü"),
        (ANY, "c" * 64, "c" * 64),
        (STRICT, "c:" * 40, "c_" * 15 + "c_" + hashlib.sha256(b"c:" * 40).hexdigest()[:32]),
    ],
)
def test_6_1_an_id_is_copied_when_legal_and_made_legal_else(limits: Limits, id_: str, sent: str) -> None:
    assert sent == legal_id(id_, limits)
    assert len(sent) <= 64


def test_6_1_calls_and_results_keep_their_pairs_under_new_ids() -> None:
    ordered, _ = order(
        assistant(call("a.1"), call("a.2")), user(result("a.2", "two"), result("a.1", "one")), limits=STRICT
    )
    assert ordered == [assistant(call("a_1"), call("a_2")), user(result("a_1", "one"), result("a_2", "two"))]


def test_6_1_an_id_that_comes_twice_is_told_apart() -> None:
    ordered, loss = order(
        assistant(call("call_0")),
        user(result("call_0", "one")),
        assistant(call("call_0")),
        user(result("call_0", "two")),
    )
    assert ordered == [
        assistant(call("call_0")),
        user(result("call_0", "one")),
        assistant(call("call_0_2")),
        user(result("call_0_2", "two")),
    ]
    assert not loss.changed


def test_6_1_two_calls_of_one_turn_with_one_id_take_their_results_in_order() -> None:
    ordered, _ = order(assistant(call("", "f"), call("", "g")), user(result("", "one", None), result("", "two", None)))
    assert ordered[1] == user(result("", "one", "f"), result("_2", "two", "g"))


@pytest.mark.parametrize(
    ("text", "args", "changed"),
    [
        ('{"a":1}', {"a": 1}, False),
        ("", {}, False),
        (" \n", {}, False),
        ("{oops", {"_raw_arguments": "{oops"}, True),
        ("[1]", {"_raw_arguments": "[1]"}, True),
        ("null", {"_raw_arguments": "null"}, True),
    ],
)
def test_6_2_a_text_becomes_an_object_and_nothing_is_lost(text: str, args: JsonObject, changed: bool) -> None:
    loss = Loss()
    assert args == arguments_object(ToolCall("1", "f", args_text=text), loss)
    assert list(loss.changed) == (["messages.tool_calls.arguments"] if changed else [])


def test_6_2_an_object_is_passed_as_it_is() -> None:
    assert arguments_object(ToolCall("1", "f", {"a": 1}), Loss()) == {"a": 1}


def test_6_2_a_text_is_kept_and_an_object_is_written_compactly() -> None:
    assert arguments_text(ToolCall("1", "f", args_text='{ "b": 1.0}')) == '{ "b": 1.0}'
    assert arguments_text(ToolCall("1", "f", args_text="")) == ""
    assert arguments_text(ToolCall("1", "f", {"b": "é", "a": [1, 2.0]})) == '{"b":"é","a":[1,2.0]}'


def test_6_2_big_integers_and_floats_survive_both_ways() -> None:
    text = '{"big":123456789012345678901234567890,"float":1.0}'
    args = arguments_object(ToolCall("1", "f", args_text=text), Loss())
    assert arguments_text(ToolCall("1", "f", args)) == text


def test_6_3_1_results_stand_first_and_in_call_order() -> None:
    ordered, loss = order(
        user(Text("q")),
        assistant(Text("t"), call("1"), call("2")),
        user(Text("note"), result("2"), result("1")),
        assistant(Text("end")),
    )
    assert ordered == [
        user(Text("q")),
        assistant(Text("t"), call("1"), call("2")),
        user(result("1"), result("2"), Text("note")),
        assistant(Text("end")),
    ]
    assert not loss.changed


def test_6_3_1_turns_between_calls_and_results_move_behind_them() -> None:
    ordered, loss = order(
        assistant(call("1"), call("2")), system("s"), user(result("1")), user(Text("u")), user(result("2"), Text("v"))
    )
    assert ordered == [
        assistant(call("1"), call("2")),
        user(result("1"), result("2")),
        system("s"),
        user(Text("u")),
        user(Text("v")),
    ]
    assert not loss.changed


def test_6_3_1_the_user_turn_behind_the_results_joins_them() -> None:
    ordered, _ = order(assistant(call("1")), user(result("1")), Turn("user", [Text("u")], name="ann"), user(Text("v")))
    assert ordered == [assistant(call("1")), Turn("user", [result("1"), Text("u")], name="ann"), user(Text("v"))]


def test_6_3_1_calls_of_neighbouring_turns_are_each_followed_by_their_own_results() -> None:
    ordered, _ = order(assistant(call("1")), assistant(call("2")), user(result("1"), result("2")))
    assert ordered == [assistant(call("1")), user(result("1")), assistant(call("2")), user(result("2"))]


def test_6_3_3_a_result_without_call_becomes_text_where_it_stood() -> None:
    orphan = ToolResult("gone", [Text("a"), IMAGE, Text("b")], cache=Cache("1h"))
    ordered, loss = order(user(Text("q"), orphan, Text("r")))
    text = Text("[Result of an earlier tool call gone]\na\nb", cache=Cache("1h"))
    assert ordered == [user(Text("q"), text, IMAGE, Text("r"))]
    assert list(loss.changed) == ["messages.tool_results"]


def test_6_3_3_an_orphan_stays_behind_the_results_of_its_turn() -> None:
    ordered, _ = order(assistant(call("1")), user(result("gone"), result("1")))
    assert ordered[1] == user(result("1"), Text("[Result of an earlier tool call gone]\nok"))


@pytest.mark.parametrize("behind", [[], [user(Text("go on"))], [assistant(Text("so"))]])
def test_6_3_3_a_call_without_result_is_given_one(behind: list[Turn]) -> None:
    ordered, loss = order(assistant(call("1", "f"), call("2", "g")), user(result("1")), *behind)
    missing = ToolResult("2", [Text("No result was recorded for this call.")], "g", is_error=True)
    assert ordered[1].parts[:2] == [result("1"), missing]
    assert list(loss.changed) == ["messages.tool_results"]


def test_6_3_4_of_two_results_the_last_is_kept_once_and_first() -> None:
    ordered, loss = order(
        assistant(call("1"), call("2")), user(result("1", "old"), result("2")), user(Text("u"), result("1", "new"))
    )
    assert ordered == [assistant(call("1"), call("2")), user(result("1", "new"), result("2"), Text("u"))]
    assert list(loss.changed) == ["messages.tool_results"]


def test_6_3_a_result_found_before_its_call_is_moved_behind_it() -> None:
    ordered, _ = order(user(result("1"), Text("u")), assistant(call("1")))
    assert ordered == [user(Text("u")), assistant(call("1")), user(result("1"))]


def test_6_3_a_result_takes_its_name_from_the_call_and_keeps_what_else_it_has() -> None:
    given = ToolResult("1", [Text("no"), IMAGE], is_error=True, cache=Cache())
    ordered, _ = order(assistant(call("1", "look")), user(given))
    assert ordered[1] == user(ToolResult("1", [Text("no"), IMAGE], "look", is_error=True, cache=Cache()))


def test_20_an_added_turn_changes_nothing_before_it() -> None:
    turns = [
        user(Text("q")),
        assistant(call("a.1")),
        user(result("a.1"), result("x")),
        assistant(call("a.1")),
        user(result("a.1")),
    ]
    shorter, _ = order(*turns, limits=STRICT)
    longer, _ = order(*turns, assistant(call("a.1")), user(result("a.1")), limits=STRICT)
    assert longer[: len(shorter)] == shorter
