"""What a format is."""

from addons.dataset_export.formats.base import ALL_REASONING, Format


def test_a_format_takes_reasoning_everywhere_and_names_no_program_unless_it_says_so() -> None:
    plain = Format("x", "about", "turn", lambda *_: None, {"messages": "objects"})
    assert (plain.reasoning, plain.llama_factory, plain.axolotl) == (ALL_REASONING, {}, ())
    assert plain.reasoning[0] == "drop"
