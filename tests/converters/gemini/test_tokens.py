"""7.4: tokens in `thoughtSignature`."""

import base64

import pytest

from converters.envelope import seal
from converters.gemini.tokens import read_signature, standard_base64, write_signature
from converters.turns import Token


@pytest.mark.parametrize("token", [Token("a", "sig??>>=="), Token("r", "enc", "thought", "rs_1"), Token("x", "data")])
def test_7_4_foreign_tokens_travel_as_base64_of_their_envelope(token: Token) -> None:
    written = write_signature(token)
    assert written is not None
    assert base64.b64decode(written, validate=True).startswith(b"aic1.")
    urlsafe = written.translate(str.maketrans("+/", "-_")).rstrip("=")
    for carried in (written, urlsafe, seal(token)):
        assert read_signature(carried, "thought") == token


def test_7_4_geminis_own_token_passes_as_it_came() -> None:
    assert write_signature(Token("g", "EpwI+/==")) == "EpwI+/=="
    assert read_signature("EpwI+/==", "call") == Token("g", "EpwI+/==", "call")
    assert read_signature("skip_thought_signature_validator", "call").origin == "g"


def test_7_4_a_mark_without_payload_is_not_written() -> None:
    assert write_signature(None) is None
    assert write_signature(Token("n", "")) is None


def test_3_url_safe_base64_becomes_standard() -> None:
    assert standard_base64("-_8") == "+/8="
