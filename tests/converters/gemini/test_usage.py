"""12: usage in Gemini's words."""

from converters.events import Usage
from converters.gemini.usage import UsageCounter, write_usage


def test_12_reading_adds_thoughts_and_tool_prompts() -> None:
    raw = {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 5,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 2,
    }
    assert UsageCounter().read(raw) == Usage(15, 4, None, 5, 2)  # type: ignore[arg-type]


def test_12_running_counts_replace_each_other_and_nothing_new_is_no_event() -> None:
    counter = UsageCounter()
    assert counter.read({"promptTokenCount": 10, "candidatesTokenCount": 1}) == Usage(10, output_total=1)
    assert counter.read({"promptTokenCount": 10}) is None
    assert counter.read({"candidatesTokenCount": 7, "thoughtsTokenCount": 1}) == Usage(10, output_total=8, reasoning=1)
    assert counter.read(None) is None
    assert counter.read({"candidatesTokenCount": None}) is None


def test_12_writing_takes_thoughts_out_of_the_candidates() -> None:
    assert write_usage(Usage(10, 4, 3, 8, 2)) == {
        "promptTokenCount": 10,
        "candidatesTokenCount": 6,
        "cachedContentTokenCount": 4,
        "thoughtsTokenCount": 2,
        "totalTokenCount": 18,
    }
    assert write_usage(Usage()) == {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}
