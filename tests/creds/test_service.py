"""What is said of a service."""

import re

import pytest

from creds.service import BUILT_IN, GEMINI_CLI, KIRO, QWEN, UNSAID, Service


def test_the_facts_have_their_dates() -> None:
    """gemini-cli, 0; kiro, 0; qwen, 0."""
    assert (GEMINI_CLI.state, GEMINI_CLI.since) == ("limited", "2026-06-18")
    assert "Standard and Enterprise" in GEMINI_CLI.by
    assert "breaks the terms" in GEMINI_CLI.terms
    assert "gemini-custom" in GEMINI_CLI.alternatives
    assert KIRO.state == "live"
    assert "ksk_" in KIRO.terms
    assert (QWEN.state, QWEN.since) == ("retired", "2026-04-15")
    assert "compatible-mode/v1" in QWEN.alternatives
    assert "coding-intl" in QWEN.alternatives


@pytest.mark.parametrize("service", [GEMINI_CLI, KIRO, QWEN], ids=["gemini", "kiro", "qwen"])
def test_every_date_is_one(service: Service) -> None:
    assert re.fullmatch(r"2026-\d\d-\d\d", service.since)


def test_a_service_in_lines() -> None:
    service = Service("retired", "2026-01-02", "its maker's word", "it is closed", ("this", "that"))
    assert list(service.lines()) == [
        "Service: retired since 2026-01-02, by its maker's word.",
        "Terms: it is closed.",
        "Instead: use this, or that.",
    ]
    live = Service("live", "2026-01-02", "its page", "ask them")
    assert list(live.lines()) == ["Service: live on 2026-01-02, by its page.", "Terms: ask them."]
    assert live.alternatives == live.warning == ""
    assert service.warning == "its service is retired since 2026-01-02: use this, or that"


def test_of_what_nobody_has_said_anything_nothing_is_said() -> None:
    assert (BUILT_IN.headline, UNSAID.headline) == ("built in", "live")
