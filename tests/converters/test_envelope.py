"""7.4: the envelope around a reasoning token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.envelope import MARK, open_envelope, seal
from converters.turns import Token


@given(
    st.builds(
        Token,
        st.sampled_from(["a", "x", "r", "g", "k"]),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.sampled_from(["call", "text", "thought"]),
        st.none() | st.just("rs_1"),
    )
)
def test_7_4_what_is_sealed_comes_out_unchanged(token: Token) -> None:
    text = seal(token)

    assert text.startswith(f"{MARK}{token.origin}.")
    assert text.isascii()
    assert token == open_envelope(text)


def test_7_4_a_mark_has_no_payload() -> None:
    assert seal(Token("n", "")) == "aic1.n."
    assert open_envelope("aic1.n.") == Token("n", "")


@pytest.mark.parametrize("text", ["", "EqQBCkYIBxgC", "aic2.a.e30", "CiQ aic1.a.e30"])
def test_7_4_a_foreign_token_is_no_envelope(text: str) -> None:
    assert open_envelope(text) is None


def test_7_4_a_damaged_envelope_is_a_mark_without_payload() -> None:
    whole = seal(Token("a", "signature"))
    unknown_place = seal(Token("a", "v", "elsewhere"))  # type: ignore[arg-type]
    damaged = [
        "aic1.",
        "aic1.a",
        whole[:-3],
        whole.replace("aic1.a", "aic1.q"),
        whole + "!",
        unknown_place,
        "aic1.a.e30",
    ]

    for text in damaged:
        assert open_envelope(text) == Token("n", "")
