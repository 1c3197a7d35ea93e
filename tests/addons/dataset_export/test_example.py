"""One row's worth of conversation."""

from addons.dataset_export.example import Example, example, tool_names
from addons.dataset_export.facts import facts_of
from tests.addons.dataset_export.talk import Message, assistant, call, record, text, thinking, user


def of(messages: list[Message], path: list[tuple[list[Message], bool]], **more: object) -> Example:
    one = record("1", messages, assistant("end"), system="Be brief.")
    return example(one, facts_of(one), "00", path, **more)  # type: ignore[arg-type]


def test_turns_of_an_assistant_get_back_the_reasoning_that_the_client_cut_off() -> None:
    found = of([user("a"), assistant("b"), user("c")], [([thinking("hm")], True)])
    assert [(said.role, said.learn) for said in found.prompt] == [("user", False), ("assistant", True), ("user", False)]
    assert found.prompt[1].parts == [thinking("hm"), text("b")]
    assert (found.answer.parts, found.answer.learn) == ([text("end")], True)


def test_reasoning_that_came_with_the_history_stays_if_none_was_recorded() -> None:
    assert of([user("a"), assistant(thinking("own"), "b"), user("c")], [([], False)]).prompt[1].parts[0] == thinking(
        "own"
    )


def test_messages_of_one_turn_are_one_and_those_of_a_user_stay_apart() -> None:
    found = of([user("a"), user("b"), assistant("c"), assistant("d"), user("e")], [([], True)])
    assert [(said.role, len(said.parts)) for said in found.prompt] == [
        ("user", 1),
        ("user", 1),
        ("assistant", 2),
        ("user", 1),
    ]


def test_an_answer_that_goes_on_from_the_clients_words_is_one_message_with_them() -> None:
    found = of([user("a"), assistant("b"), user("c"), assistant("the ")], [([], False)])
    assert [part["text"] for part in found.answer.parts] == ["the ", "end"]
    assert [said.role for said in found.prompt] == ["user", "assistant", "user"]


def test_where_the_client_began_no_answer_there_is_none_whatever_is_known_of_the_turns() -> None:
    found = of([user("a"), assistant(call("f")), user("c")], [])
    assert (found.answer.parts, [said.role for said in found.prompt]) == ([text("end")], ["user", "assistant", "user"])


def test_the_answers_of_a_pair_take_the_place_of_the_records_own() -> None:
    """They are whole: each was begun by its own client, or not."""
    found = of([user("a"), assistant("the ")], [], pair=([text("one")], [text("other")]))
    assert (found.answer.parts, found.rejected and found.rejected.parts) == ([text("one")], [text("other")])
    assert [said.role for said in found.prompt] == ["user"]


def test_system_prompts_at_the_head_are_the_system_prompt_and_others_stay_in_their_place() -> None:
    system = {"role": "system", "parts": [text("And kind.")]}
    found = of([system, user("a"), system, user("b")], [])
    assert found.system == "Be brief.\n\nAnd kind."
    assert [said.role for said in found.prompt] == ["user", "system", "user"]


def test_names_of_tools_are_known_by_the_ids_of_calls() -> None:
    found = of([user("a"), assistant(call("f", "1"), call("g", "2")), user("c")], [([], False)])
    assert tool_names(found.prompt) == {"1": "f", "2": "g"}


def test_a_record_without_a_conversation_is_empty() -> None:
    one = record("1", [], None) | {"conversation": None}
    found = example(one, facts_of(one), "", [])
    assert (found.system, found.prompt, found.answer.parts, found.tools) == ("", [], [], [])
    bare = one | {"conversation": {"messages": [{"role": "system"}, {"role": "user"}], "answer": None}}
    assert [said.role for said in example(bare, facts_of(bare), "", []).prompt] == ["user"]
