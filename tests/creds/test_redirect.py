"""What the browser brings back, and what people paste."""

import pytest

from creds.redirect import Foreign, Refused, code_of, code_of_pasted

STATE = "s" * 64


def test_the_code_is_read_where_the_state_is_ours() -> None:
    assert code_of(f"state={STATE}&code=4%2F0Ab+c&scope=x", STATE) == "4/0Ab c"


@pytest.mark.parametrize(
    "query", ["code=x", "code=x&state=", "code=x&state=other", "error=access_denied", "", "state=é&code=x"]
)
def test_an_answer_without_our_state_is_foreign(query: str) -> None:
    """A page of somebody else's must neither log us in as him nor end our login."""
    with pytest.raises(Foreign):
        code_of(query, STATE)


def test_a_refusal_is_told_in_the_servers_words_without_its_control_characters() -> None:
    with pytest.raises(Refused, match=r"refused \(access_denied: no \[2J thanks\)"):
        code_of(f"error=access_denied&error_description=no%1b%5b2J+thanks&state={STATE}", STATE)


def test_an_answer_without_a_code_is_refused() -> None:
    with pytest.raises(Refused, match="without a code"):
        code_of(f"state={STATE}", STATE)


@pytest.mark.parametrize(
    "text",
    [
        f"http://127.0.0.1:8585/oauth2callback?state={STATE}&code=4%2F0A",
        f"  http://127.0.0.1:8585/oauth2callback?state={STATE}&\n code=4%2F0A ",  # broken by a terminal
        f"?code=4%2F0A&state={STATE}",
        f"code=4%2F0A&state={STATE}",
        "4/0A",
        "4%2F0A",
    ],
)
def test_an_address_its_query_or_the_code_alone_may_be_pasted(text: str) -> None:
    assert code_of_pasted(text, STATE) == "4/0A"


def test_a_pasted_address_of_another_login_is_foreign() -> None:
    with pytest.raises(Foreign):
        code_of_pasted("http://127.0.0.1:1/x?code=4/0A&state=other", STATE)
    with pytest.raises(Foreign):
        code_of_pasted("http://127.0.0.1:1/x", STATE)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_pasted_is_said_to_be_nothing(text: str) -> None:
    with pytest.raises(Refused, match="nothing was pasted"):
        code_of_pasted(text, STATE)
