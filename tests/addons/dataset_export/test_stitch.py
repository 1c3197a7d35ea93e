"""Stitching: agents send the whole history with every call, and each of their turns comes out once."""

import tracemalloc
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from addons.dataset_export.stitch import Stitched
from tests.addons.dataset_export.talk import (
    READ,
    Agent,
    Message,
    Record,
    assistant,
    call,
    record,
    result,
    text,
    thinking,
    user,
)

TASK = "Find every place where the parser drops a token and list them."
SUMMARY = "The user wants the parser fixed; two tests fail in lexer.py, line 12."


def stitched(*records: Record) -> Stitched:
    made = Stitched()
    for one in records:
        made.add(one)
    return made


def ids(made: Stitched) -> list[str]:
    return [turn.facts.id for turn in made.turns]


def paths(made: Stitched) -> dict[str, list[str]]:
    """For each turn the recorded turns above it."""
    return {
        turn.facts.id: [before.facts.id for node in turn.path[:-1] for before in node.turns[:1]] for turn in made.turns
    }


def test_the_calls_of_a_conversation_are_joined() -> None:
    agent = Agent("a", tools=[READ])
    agent.ask("Read x.", assistant(thinking("hm"), "Looking.", call("read", path="x")))
    agent.history[-1] = assistant("Looking.", call("read", "call_other", path="x"))  # as clients send it back
    agent.ask(user(result("line", "call_other")), "It says line.")
    agent.ask("Thanks.", "Welcome.")
    made = stitched(*agent.made)
    assert paths(made) == {"a-1": [], "a-2": ["a-1"], "a-3": ["a-1", "a-2"]}
    assert (made.conversations, list(made.forks()), made.repeated) == (1, [], 0)


def test_an_edited_message_is_a_fork_and_nothing_is_lost() -> None:
    agent = Agent("a")
    agent.ask("Hello.", "Hi.")
    edited = Agent("b", agent.history)
    agent.ask("Write a poem.", "Roses.")
    edited.ask("Write a song.", "La la.")
    made = stitched(*agent.made, *edited.made)
    assert paths(made) == {"a-1": [], "a-2": ["a-1"], "b-1": ["a-1"]}
    assert [node.below for node in made.forks()] == [2]


def test_a_second_answer_to_the_same_prompt_is_a_turn_of_its_own() -> None:
    made = stitched(record("1", [user("hi")], assistant("a")), record("2", [user("hi")], assistant("b")))
    assert ids(made) == ["1", "2"]
    assert made.turns[0].prompt == made.turns[1].prompt


def test_the_same_call_with_the_same_answer_is_one_turn_unless_its_setting_differs() -> None:
    def one(id_: str, **more: Any) -> Record:
        return record(id_, [user("hi")], assistant("hello"), **more)

    made = stitched(one("1"), one("2"), one("3", system="Be French."), one("4", tools=[READ]), one("5", agent="other"))
    assert ids(made) == ["1", "3", "4", "5"]
    assert (made.repeated, made.turns[0].repeats) == (1, 1)


def test_another_system_prompt_and_other_tools_do_not_start_a_conversation() -> None:
    agent = Agent("a")
    agent.ask("Hello.", "Hi.", system="It is Monday.")
    agent.ask("Go on.", "Well.", system="It is Tuesday.", tools=[READ])
    made = stitched(*agent.made)
    assert (made.conversations, paths(made)["a-2"]) == (1, ["a-1"])


def test_a_side_task_on_the_same_history_is_a_branch() -> None:
    """A client's memory keeper: the same messages, another system prompt, a task of its own."""
    agent = Agent("a", system="You code.")
    agent.ask("Hello.", "Hi.")
    keeper = Agent("b", agent.history, system="You remember.")
    keeper.ask("What is worth remembering?", "Nothing.")
    agent.ask("Go on.", "Well.")
    made = stitched(agent.made[0], keeper.made[0], agent.made[1])
    assert (made.conversations, paths(made)["b-1"], paths(made)["a-2"]) == (1, ["a-1"], ["a-1"])


def test_a_sub_agent_has_its_own_conversation_and_belongs_to_its_parents_family() -> None:
    parent = Agent("a", tools=[{"name": "Task"}])
    parent.ask("Fix the parser.", assistant("On it.", call("Task", prompt=TASK, kind="search")))
    child = Agent("b", system="You search.")
    child.ask(TASK, "Two places.")
    child.ask("Are you sure?", "Yes.")
    parent.ask(user(result("Two places.")), "Fixed.")
    made = stitched(parent.made[0], *child.made, parent.made[1])
    assert made.conversations == 2
    assert [(origin.why, origin.id) for origin in made.origins.values()] == [("sub-agent", "a-1")]
    assert len({made.family(turn) for turn in made.turns}) == 1
    assert paths(made) == {"a-1": [], "b-1": [], "b-2": ["b-1"], "a-2": ["a-1"]}


def test_a_compaction_starts_anew_from_the_summary_and_stays_in_the_family() -> None:
    agent = Agent("a")
    agent.ask("Fix the parser.", "Done.")
    summing = Agent("s", agent.history)
    summing.ask("Summarise.", f"Summary:\n{SUMMARY}")
    after = Agent("b")
    after.ask(f"This goes on from an earlier talk.\n\n{SUMMARY}\n\nGo on.", "Right.")
    made = stitched(*agent.made, *summing.made, *after.made)
    assert [(origin.why, origin.id) for origin in made.origins.values()] == [("compaction", "s-1")]
    assert len({made.family(turn) for turn in made.turns}) == 1
    assert made.conversations == 2


def test_short_texts_link_nothing() -> None:
    parent = Agent("a")
    parent.ask("Fix it.", assistant("Done.", call("Task", prompt="Search.")))
    child = Agent("b")
    child.ask("Search.", "Found.")
    assert stitched(*parent.made, *child.made).origins == {}


def test_a_message_that_the_client_changes_afterwards_still_joins() -> None:
    """What a client puts in is not always in tags that are known."""
    first = record("1", [user("Fix the parser, please.\n\n[3 files open, 12:01]")], assistant("Looking at it now."))
    history = [user("Fix the parser, please."), assistant("Looking at it now."), user("And?")]
    made = stitched(first, record("2", history, assistant("Done.")))
    assert paths(made)["2"] == ["1"]
    assert made.rejoined == 1


def test_a_different_message_with_the_same_answer_does_not_join() -> None:
    first = record("1", [user("Fix the parser, please.")], assistant("OK"))
    made = stitched(first, record("2", [user("Write me a song."), assistant("OK"), user("Go.")], assistant("La.")))
    assert (paths(made)["2"], made.rejoined, made.conversations) == ([], 0, 2)


def test_an_answer_given_to_several_messages_joins_none_of_them() -> None:
    """Which of them it was cannot be known."""
    made = stitched(
        record("1", [user("Fix the parser now 1")], assistant("OK")),
        record("2", [user("Fix the parser now 2")], assistant("OK")),
        record("3", [user("Fix the parser now 3"), assistant("OK"), user("Go.")], assistant("Done.")),
    )
    assert (paths(made)["3"], made.rejoined) == ([], 0)


def test_an_answer_that_goes_on_from_the_clients_own_words_is_one_turn_with_them() -> None:
    made = stitched(
        record("1", [user("A poem."), assistant("Roses")], assistant(" are red.")),
        record("2", [user("A poem."), assistant("Roses are red."), user("More.")], assistant("Violets.")),
    )
    assert paths(made)["2"] == ["1"]


def test_assistants_turns_that_were_not_recorded_are_no_turns() -> None:
    made = stitched(record("1", [user("a"), assistant("made up"), user("b")], assistant("c")))
    assert ids(made) == ["1"]
    assert [bool(node.turns) for node in made.turns[0].path] == [False, False, False, True]


def test_records_without_an_answer_and_records_seen_before_are_counted() -> None:
    made = stitched(
        record("1", [user("a")], None),
        record("2", [user("a")], assistant("b")),
        record("2", [user("x")], assistant("y")),
    )
    assert (ids(made), made.unanswered, made.twice, made.read) == (["2"], 1, 1, 2)
    made.add({"id": "3", "conversation": None})
    assert made.unanswered == 2


def test_an_answer_without_words_is_history_and_no_turn() -> None:
    """A limit that was used up by thinking: nobody is to learn to say nothing."""
    agent = Agent("a")
    agent.ask("Hello.", assistant(thinking("hm")))
    agent.ask("Well?", "Hi.")
    made = stitched(*agent.made)
    assert (ids(made), made.wordless, made.conversations) == (["a-2"], 1, 1)


def test_what_is_not_kept_still_is_history() -> None:
    agent = Agent("a")
    agent.ask("Hello.", "Hi.", model="small")
    agent.ask("Go on.", "Well.", model="large")
    made = Stitched()
    for one in agent.made:
        made.add(one, lambda facts: facts.model == "large")
    assert ids(made) == ["a-2"]
    assert len(made.turns[0].path) == 4


# --- any conversations, in any order ---

WORDS = st.sampled_from(["go", "stop", "why?", "Today is Monday.", "a longer message with several words in it"])
ANSWER = st.one_of(
    WORDS.map(lambda words: [text(words)]),
    st.tuples(WORDS, st.integers(0, 2)).map(lambda found: [text(found[0]), call("f", x=found[1])]),
    st.integers(0, 2).map(lambda x: [call("f", x=x), call("g", x=x)]),
)
CALLS = st.lists(st.tuples(st.integers(0, 9), WORDS, ANSWER, st.booleans(), st.booleans()), min_size=1, max_size=25)


def resent(answer: list[Message], number: int) -> Message:
    """As a client sends it back: without reasoning, with ids of its own."""
    return assistant(*[part | {"id": f"x{number}"} if part["type"] == "tool_call" else part for part in answer])


def talk(calls: list[tuple[int, str, list[Message], bool, bool]]) -> tuple[list[Record], dict[str, tuple[object, ...]]]:
    """Each call goes on from any earlier one (or starts anew); and what is said on each path, for comparison."""
    places: list[tuple[list[Message], tuple[object, ...]]] = [([], ())]
    records: list[Record] = []
    said: dict[str, tuple[object, ...]] = {}
    for number, (start, words, answer, reminded, thought) in enumerate(calls):
        history, before = places[start % len(places)]
        mine = user(words)
        sent = user(f"<system-reminder>{number}</system-reminder>", words) if reminded else mine
        given = assistant(thinking("hm"), *answer) if thought else assistant(*answer)
        records.append(record(str(number), [*history, sent], given))
        spoken = tuple(
            (part["type"], part.get("text"), part.get("name"), str(part.get("arguments"))) for part in answer
        )
        said[str(number)] = (*before, "" if words.startswith("Today") else words, spoken)
        places.append(([*history, mine, resent(answer, number)], said[str(number)]))
    return records, said


@given(CALLS, st.randoms(use_true_random=False))
def test_every_turn_comes_out_once_in_any_order(calls: list[Any], chance: Any) -> None:
    records, said = talk(calls)
    chance.shuffle(records)
    made = stitched(*records)
    found = [said[id_] for id_ in ids(made)]
    assert len(found) == len(set(found)), "a turn came twice"
    assert set(found) == set(said.values()), "a turn was lost"
    assert len(made.turns) + made.repeated == len(records)


@given(CALLS)
def test_every_turn_stands_below_those_it_answered(calls: list[Any]) -> None:
    records, said = talk(calls)
    for turn in stitched(*records).turns:
        above = [node.turns[0] for node in turn.path if node.answer and node.turns]
        assert [said[one.facts.id] for one in above] == [
            said[turn.facts.id][: 2 * depth] for depth in range(1, len(above) + 1)
        ]
        assert len(above) == len(said[turn.facts.id]) // 2


def test_memory_holds_hashes_and_not_what_was_said() -> None:
    """1,000 calls whose histories grow to 200 KB, 60 MB in all."""
    tracemalloc.start()
    made = Stitched()
    for conversation in range(20):
        history: list[Message] = []
        for number in range(50):
            history = [*history, user(f"{conversation} {number} " + "x" * 4000)]
            made.add(record(f"{conversation}-{number}", history, assistant(f"answer {number}")))
            history.append(assistant(f"answer {number}"))
    del history
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(made.turns) == 1000
    assert kept < 4_000_000
