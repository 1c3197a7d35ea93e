"""What clients put into messages on their own."""

import pytest

from addons.dataset_export.volatile import TAGS, lasting, spoken


@pytest.mark.parametrize("tag", TAGS)
def test_blocks_of_clients_are_left_out_and_the_rest_stays(tag: str) -> None:
    assert lasting(f"<{tag}>a\nb</{tag}>\nDo it.\n<{tag}>c</{tag}> Now.") == "Do it.\n Now."


def test_a_block_that_does_not_end_is_text() -> None:
    assert lasting("<system-reminder>half") == "<system-reminder>half"


@pytest.mark.parametrize(
    "line",
    [
        "Today's date is 2026-11-23.",
        "Today is Monday",
        "Current date: 2026-11-23",
        "- **Current time:** 12:00",
        "The current date is X",
    ],
)
def test_lines_that_tell_the_date_are_left_out(line: str) -> None:
    assert lasting(f"Hello.\n{line}\nGo on.") == "Hello.\n\nGo on."


@pytest.mark.parametrize(
    "line", ["Which day is today?", "The date field is wrong.", "currently: date", "timeout: today"]
)
def test_other_sentences_with_dates_stay(line: str) -> None:
    assert lasting(line) == line


def test_reasoning_before_an_answer_is_left_out_and_tags_within_it_stay() -> None:
    assert spoken("<think>hm\nhm</think>\n\nYes.") == "Yes."
    assert spoken("Use <think>x</think> tags.") == "Use <think>x</think> tags."
    assert spoken(" Yes. ") == "Yes."
