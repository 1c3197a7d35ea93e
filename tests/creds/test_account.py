"""Accounts and their base URLs."""

import pytest

from creds.account import Account, normalise_base
from creds.api_key import ApiKey


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1///", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com//v1", "https://api.openai.com/v1"),
        ("  https://api.openai.com/v1\n", "https://api.openai.com/v1"),
        ("https://open.bigmodel.cn/api/paas/v4", "https://open.bigmodel.cn/api/paas/v4"),
        ("https://api.z.ai/api/coding/paas/v4/", "https://api.z.ai/api/coding/paas/v4"),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        ("https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic/v1"),
        ("https://api.vendor.example/vision", "https://api.vendor.example/vision/v1"),
        ("HTTP://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.anthropic.com/v1/messages/", "https://api.anthropic.com/v1"),
        ("https://api.openai.com/v1/responses", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/models", "https://api.openai.com/v1"),
        ("https://g.test/v1beta", "https://g.test/v1beta"),
        ("https://g.test/v1beta/v1beta/", "https://g.test/v1beta"),
        ("https://g.test/v1beta/models", "https://g.test/v1beta"),
        ("https://g.test/v1beta/models/gemini-2.5-pro", "https://g.test/v1beta"),
        ("https://g.test/v1beta/models/gemini-2.5-pro:generateContent", "https://g.test/v1beta"),
        ("https://g.test/v1beta/models/gemini-2.5-pro:streamGenerateContent", "https://g.test/v1beta"),
        ("https://g.test/v1beta/models/models/x:countTokens", "https://g.test/v1beta"),
        ("https://x.example/models", "https://x.example/models/v1"),  # not an endpoint: nothing says so
        ("https://x.example/v1/my-models", "https://x.example/v1/my-models"),
    ],
)
def test_a_base_url_is_taken_as_people_write_it(written: str, expected: str) -> None:
    assert normalise_base(written) == expected
    assert normalise_base(expected) == expected


def test_the_version_that_is_appended_is_the_wires_own() -> None:
    assert normalise_base("https://x.example", "v1beta") == "https://x.example/v1beta"
    assert normalise_base("https://x.example/models/m:generateContent", "v1beta") == "https://x.example/v1beta"
    assert normalise_base("https://x.example/v1", "v1beta") == "https://x.example/v1"
    assert normalise_base("https://x.example/v1beta", "v1beta") == "https://x.example/v1beta"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "http://"),
        ("api.openai.com", "http://"),
        ("ftp://api.openai.com", "http://"),
        ("file:///etc/passwd", "http://"),
        ("https:///v1", "name a host"),
        ("https://user:hunter2@api.openai.com", "user name or password"),
        ("https://api.openai.com/v1?key=hunter2", "query"),
        ("https://api.openai.com/v1#hunter2", "query or fragment"),
        ("https://api.openai.com/v1?", "query"),
        ("https://api.openai.com:abc", "not a URL"),
        ("https://api.openai.com:99999", "not a URL"),
        ("https://[::1", "not a URL"),
        ("https://api.openai.com/a b", "ASCII"),
        ("https://\u0430pi.openai.com", "ASCII"),
        ("https://api.openai.com\\@evil.example", "user name or password"),
        ("https://api.openai.com/a\\b", "backslash"),
        ("https://api.openai.com/../v1", "`..`"),
        ("https://api.openai.com/%2e%2e/v1", "`%`"),
    ],
)
def test_a_base_url_that_could_lead_elsewhere_is_refused(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        normalise_base(written)
    assert why in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_account_shows_no_secret() -> None:
    account = Account("openai-custom", "openai-custom:default", "https://x.example/v1", ApiKey("sk-hunter2"))
    assert "hunter2" not in repr(account)
    assert "hunter2" not in str(account)
