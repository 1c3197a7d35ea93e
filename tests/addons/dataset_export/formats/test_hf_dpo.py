"""hf-dpo, as trl reads it."""

from collections import Counter

from addons.dataset_export.example import Options
from addons.dataset_export.formats.hf_dpo import HF_DPO, write
from tests.addons.dataset_export.rig import made, written
from tests.addons.dataset_export.talk import assistant, call


def test_a_row_is_a_prompt_and_two_answers() -> None:
    row, _ = written(HF_DPO, made(rejected=assistant("No.", call("read", path="c"))))
    assert row["chosen"] == [{"role": "assistant", "content": "One and two."}]
    function = {"name": "read", "arguments": {"path": "c"}}
    assert row["rejected"] == [
        {"role": "assistant", "content": "No.", "tool_calls": [{"type": "function", "function": function}]}
    ]
    assert row["prompt"][-1] == {"role": "user", "content": "Hurry."}
    assert len(row["tools"]) == 1


def test_what_is_no_pair_is_no_row() -> None:
    assert write(made(), Options(), Counter()) is None
    assert write(made([], rejected=assistant("x")), Options(), Counter()) is None
