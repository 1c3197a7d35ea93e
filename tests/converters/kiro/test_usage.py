"""12, 4.5: counted by the service, else a share of the window, else estimated."""

import pytest

from converters.events import Usage
from converters.json_codec import Json, JsonObject
from converters.kiro.usage import estimated_usage, read_percentage, read_usage
from converters.turns import Chat, Text, Turn

CHAT = Chat("claude-sonnet-4.5", "chat", turns=[Turn("user", [Text("x" * 40)])])


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"uncachedInputTokens": 5, "outputTokens": 7, "totalTokens": 12}, Usage(5, None, None, 7)),
        (
            {"uncachedInputTokens": 5, "outputTokens": 7, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 20},
            Usage(125, 100, 20, 7),
        ),
        ({"uncachedInputTokens": 0, "outputTokens": 0, "cacheReadInputTokens": 0}, Usage(0, 0, None, 0)),
        ({"outputTokens": 7.0}, Usage(None, None, None, 7)),
        ({}, None),
        ({"uncachedInputTokens": "5", "outputTokens": True}, None),
        ({"uncachedInputTokens": -1}, None),
        (None, None),
    ],
)
def test_4_5_the_services_own_counts(counts: Json, usage: Usage | None) -> None:
    assert read_usage({"tokenUsage": counts}) == usage


@pytest.mark.parametrize(
    ("payload", "percentage"),
    [
        ({"contextUsagePercentage": 12.34}, 12.34),
        ({"contextUsagePercentage": 3}, 3.0),
        ({"tokenUsage": {"contextUsagePercentage": 0.5}}, 0.5),
        ({"tokenUsage": {}}, None),
        ({}, None),
        ({"contextUsagePercentage": 0}, None),
        ({"contextUsagePercentage": "9"}, None),
        ({"contextUsagePercentage": True}, None),
    ],
)
def test_4_5_the_percentage(payload: JsonObject, percentage: float | None) -> None:
    assert read_percentage(payload) == percentage


def test_12_the_percentage_is_a_share_of_all_tokens_from_0_to_100() -> None:
    assert estimated_usage(CHAT, 99.5, 1.0) == Usage(2000 - 100, output_total=100)
    assert estimated_usage(Chat("claude-opus-4-6", "chat"), 0, 12.34) == Usage(123_400, output_total=0)
    assert estimated_usage(CHAT, 5000, 0.01) == Usage(0, output_total=5000)


def test_4_5_without_a_percentage_the_request_is_estimated() -> None:
    assert estimated_usage(CHAT, 2.1, None) == Usage(14, output_total=3)
    assert estimated_usage(None, 2.1, 50.0) == Usage(None, output_total=3)
