"""Recorded exchanges with a system prompt of the operator's, through today's code."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from addons.records.reader import Records
from addons.replay.captured import Unplayable
from addons.replay.judge import Verdict
from addons.replay.of_record import captured
from addons.settings import Settings
from addons.settings_prompts import read_prompt_rules
from converters.system_prompt import SystemPrompt, with_system_prompt
from tests.addons.records import samples
from tests.addons.test_replay_legs import from_facts, verdict_of

OURS, OTHER = SystemPrompt("append", "Ours."), SystemPrompt("overwrite", "Another. " * 60)


def with_prompt(prompt: SystemPrompt | None) -> bytes:
    """What a provider of the same protocol got."""
    body = json.loads(samples.anthropic_body())
    return json.dumps(body | with_system_prompt("anthropic", body, prompt) if prompt else body).encode()


def test_a_record_with_a_prompt_of_the_operators_is_the_same(tmp_path: Path) -> None:
    """Settings of today do not count: another prompt in them changes nothing."""
    attempts = [samples.attempt(with_prompt(OURS), samples.whole_answer(), prompt=OURS)]
    one = from_facts(tmp_path, prompt=OURS, attempts=attempts)
    rules = read_prompt_rules({"client:*": {"mode": "overwrite", "text": "Of today."}})
    for settings in (None, Settings(system_prompts=rules)):
        verdict = verdict_of(one, settings=settings)
        assert isinstance(verdict, Verdict)
        assert verdict.differences == []
    without = verdict_of(replace(one, attempts=[replace(one.attempts[0], prompt=None)]))
    assert isinstance(without, Verdict)
    assert {each.leg for each in without.differences} == {"attempt 1 request"}


def test_each_attempt_is_replayed_with_its_own_prompt(tmp_path: Path) -> None:
    error = b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}'
    for first in (OTHER, None):
        attempts = [
            samples.attempt(with_prompt(first), error, status=529, prompt=first),
            samples.attempt(with_prompt(OURS), samples.whole_answer(), prompt=OURS),
        ]
        one = from_facts(tmp_path, prompt=OURS, attempts=attempts)
        assert [tried.prompt for tried in one.attempts] == [first, OURS]
        verdict = verdict_of(one)
        assert isinstance(verdict, Verdict)
        assert verdict.differences == []


def test_a_count_that_was_estimated_counts_the_prompt(tmp_path: Path) -> None:
    body = samples.anthropic_body()
    request: dict[str, object] = {"action": "count", "generates": False, "body": body, "attempts": [], "provider": None}
    counted = json.dumps({"input_tokens": 5}).encode()
    told = []
    for prompt in (None, OTHER):
        verdict = verdict_of(from_facts(tmp_path, **request, prompt=prompt, answer=counted))
        assert isinstance(verdict, Verdict)
        told.append(next(each.today for each in verdict.differences if each.leg == "client answer"))
    assert told[0] != told[1]


def test_a_prompt_whose_text_is_gone_is_told(tmp_path: Path) -> None:
    attempts = [samples.attempt(with_prompt(OTHER), samples.whole_answer(), prompt=OTHER)]
    line = samples.maker(tmp_path).line(samples.exchange(prompt=OTHER, attempts=attempts))
    record = json.loads(line)
    ref = record["system_prompt"]["text"]["ref"].removeprefix("sha256:")
    (tmp_path / "objects" / ref[:2] / f"{ref}.json").unlink()
    records = Records(tmp_path)
    with pytest.raises(Unplayable, match="the operator's system prompt is not whole"):
        captured(records.resolved(record), records.objects.get)
