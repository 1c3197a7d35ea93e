"""7.1: reasoning as each generation of Gemini takes it."""

import pytest

from converters.gemini.thinking import build_thinking
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.turns import Chat, Reasoning

PRO, FLASH, LITE = "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite"
PRO3, PRO31, FLASH3 = "gemini-3-pro-preview", "gemini-3.1-pro-preview", "gemini-3-flash-preview"
SEEN: JsonObject = {"includeThoughts": True}
OFF = Reasoning("none", 0, "off", visible=False)


@pytest.mark.parametrize(
    ("model", "reasoning", "expected", "changed"),
    [
        (FLASH3, None, {}, False),
        (FLASH3, Reasoning("minimal"), {"thinkingLevel": "MINIMAL", **SEEN}, False),
        (PRO31, Reasoning("minimal"), {"thinkingLevel": "LOW", **SEEN}, True),
        (PRO31, Reasoning("medium"), {"thinkingLevel": "MEDIUM", **SEEN}, False),
        (PRO3, Reasoning("medium"), {"thinkingLevel": "LOW", **SEEN}, True),
        (FLASH3, Reasoning("max"), {"thinkingLevel": "HIGH", **SEEN}, True),
        (FLASH3, Reasoning(budget=10000), {"thinkingLevel": "MEDIUM", **SEEN}, False),
        (FLASH3, OFF, {"thinkingLevel": "MINIMAL"}, True),
        (FLASH3, Reasoning("low", visible=False), {"thinkingLevel": "LOW"}, False),
        (FLASH3, Reasoning(mode="adaptive"), SEEN, False),
        (PRO, Reasoning("low"), {"thinkingBudget": 2048, **SEEN}, False),
        (PRO, Reasoning("max"), {"thinkingBudget": 32768, **SEEN}, False),
        (PRO, Reasoning(budget=100000), {"thinkingBudget": 32768, **SEEN}, True),
        (PRO, Reasoning(budget=1), {"thinkingBudget": 128, **SEEN}, True),
        (PRO, OFF, {"thinkingBudget": 128}, True),
        (FLASH, OFF, {"thinkingBudget": 0}, False),
        (FLASH, Reasoning(budget=1), {"thinkingBudget": 1, **SEEN}, False),
        (LITE, Reasoning(budget=1), {"thinkingBudget": 512, **SEEN}, True),
        (LITE, Reasoning(mode="adaptive"), {"thinkingBudget": -1, **SEEN}, False),
        (PRO, Reasoning(), SEEN, False),
    ],
)
def test_7_1_level_or_budget_never_both(
    model: str, reasoning: Reasoning | None, expected: JsonObject, changed: bool
) -> None:
    loss = Loss()
    assert build_thinking(Chat(model, "chat", reasoning=reasoning), loss) == expected
    assert bool(loss.changed) is changed


def test_7_1_a_model_that_does_not_reason_is_told_nothing() -> None:
    loss = Loss()
    assert build_thinking(Chat("gemini-2.0-flash", "chat", reasoning=OFF), loss) == {}
    assert not loss.dropped
    assert build_thinking(Chat("gemini-2.0-flash", "chat", reasoning=Reasoning("high")), loss) == {}
    assert list(loss.dropped) == ["reasoning"]
