"""7.1: what each generation takes."""

import pytest

from converters.gemini.models import gemini_model


@pytest.mark.parametrize(
    ("name", "levels", "budget", "newer"),
    [
        ("gemini-3-pro-preview", ("low", "high"), None, True),
        ("gemini-3.1-pro-preview", ("low", "medium", "high"), None, True),
        ("models/gemini-3-flash-preview", ("minimal", "low", "medium", "high"), None, True),
        ("gemini-3.5-flash", ("minimal", "low", "medium", "high"), None, True),
        ("gemini-pro-latest", ("low", "medium", "high"), None, True),
        ("google/gemini-2.5-pro", (), (128, 32768), False),
        ("gemini-2.5-flash", (), (0, 24576), False),
        ("gemini-2.5-flash-lite", (), (512, 24576), False),
        ("gemini-2.5-flash-image", (), None, False),
        ("gemini-2.0-flash", (), None, False),
        ("gemma-4-31b-it", (), None, False),
        ("unheard-of", (), None, False),
    ],
)
def test_7_1_models(name: str, levels: tuple[str, ...], budget: tuple[int, int] | None, newer: bool) -> None:
    model = gemini_model(name)
    assert (model.levels, model.budget, model.newer) == (levels, budget, newer)
