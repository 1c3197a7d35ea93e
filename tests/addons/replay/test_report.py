"""How verdicts read."""

from addons.replay.captured import Unplayed
from addons.replay.compare import NOTHING, Difference
from addons.replay.judge import Verdict
from addons.replay.recording import read
from addons.replay.report import Totals, row, text
from tests.addons.replay.broken import RECORDINGS

ONE = read(RECORDINGS / "openai-custom/chat_text")
REASON = Difference("client answer", "choices[0].finish_reason", "length", "stop")
CALL = Difference("client answer", "choices[0].message.tool_calls[1]", {"name": "f"}, NOTHING)


def test_a_difference_names_leg_place_and_both_sides() -> None:
    assert text(Verdict(ONE, [REASON, CALL])).splitlines() == [
        f"{ONE.id}  chat -> openai-custom/gpt-4.1-text  ({RECORDINGS / 'openai-custom/chat_text'}): 2 differences",
        "  client answer: choices[0].finish_reason",
        '    recorded  "length"',
        '    today     "stop"',
        "  client answer: choices[0].message.tool_calls[1]",
        '    recorded  {"name":"f"}',
        "    today     (nothing)",
    ]


def test_what_is_the_same_is_told_on_request_alone() -> None:
    verdict = Verdict(ONE, [], ["attempt 1 request"])
    assert text(verdict) == ""
    assert text(verdict, verbose=True).splitlines()[0].endswith(": the same")
    assert "attempt 1 request: written differently" in text(verdict, verbose=True)


def test_long_texts_are_shown_where_they_part() -> None:
    recorded, today = "x" * 5000 + "Zürich" + "y" * 5000, "x" * 5000 + "Zurich" + "y" * 5000
    lines = text(Verdict(ONE, [Difference("client answer", "text", recorded, today)])).splitlines()
    assert "Zürich" in lines[2]
    assert "Zurich" in lines[3]
    assert max(map(len, lines)) < 250


def test_what_others_wrote_cannot_move_the_cursor() -> None:
    for length in (1, 500):
        said = text(Verdict(ONE, [Difference("client answer", "\x1b[2J", "\x1b[2J" * length, "x\x1b\x9b" * length)]))
        assert "\x1b" not in said
        assert "\x9b" not in said


def test_what_cannot_be_replayed_says_why() -> None:
    assert text(Unplayed("req_1", "file", "no bodies")) == "req_1: cannot be replayed: no bodies"
    assert text(Unplayed("", "file:3", "cut short")) == "file:3: cannot be replayed: cut short"


def test_rows_for_programs_leave_out_the_side_that_has_nothing() -> None:
    found = row(Verdict(ONE, [REASON, CALL]))
    assert found["result"] == "different"
    assert found["differences"] == [
        {"leg": "client answer", "path": REASON.path, "recorded": "length", "today": "stop"},
        {"leg": "client answer", "path": CALL.path, "recorded": {"name": "f"}},
    ]
    assert row(Verdict(ONE))["result"] == "same"
    assert row(Unplayed("a", "b", "c")) == {"id": "a", "from": "b", "result": "unplayable", "reason": "c"}


def test_totals_are_one_sentence() -> None:
    totals = Totals()
    for verdict in (Verdict(ONE), Verdict(ONE), Verdict(ONE, [REASON]), Unplayed("", "", "")):
        totals.add(verdict)
    assert totals.replayed == 3
    assert totals.sentence == "3 exchanges replayed: 2 the same, 1 different; 1 cannot be replayed"
