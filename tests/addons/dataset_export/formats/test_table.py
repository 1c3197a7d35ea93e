"""All formats."""

import pytest

from addons.dataset_export.formats.table import FORMATS
from tests.addons.dataset_export.rig import made, written
from tests.addons.dataset_export.talk import assistant


def test_the_formats_by_their_names() -> None:
    names = {"hf-messages", "hf-prompt-completion", "openai-sft", "sharegpt", "hf-dpo", "parquet"}
    assert set(FORMATS) == names
    assert all(name == format_.name for name, format_ in FORMATS.items())


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_row_has_the_columns_that_its_format_names(name: str) -> None:
    row, _ = written(FORMATS[name], made(rejected=assistant("No.")))
    assert set(row) == set(FORMATS[name].columns)
