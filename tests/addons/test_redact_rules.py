"""The patterns by themselves; what they find in texts is tested with `redact`."""

import pytest

from addons.redact_rules import CONTEXT, KNOWN, OPTIONAL, Rules, checked_patterns, own_patterns, rules_for, spellings


def test_known_secrets_are_searched_as_they_may_be_written() -> None:
    assert spellings([b'a/b"c\\d+e', b"short"]) == {
        b'a/b"c\\d+e',
        b'a/b\\"c\\\\d+e',
        b'a\\/b\\"c\\\\d+e',
        b"a%2Fb%22c%5Cd%2Be",
    }


def test_a_known_secret_goes_before_what_it_looks_like() -> None:
    rules = Rules([b"sk-known-secret-1", b"sk-known-secret-12"])
    match = rules.pattern.search(b"x sk-known-secret-12 y")
    assert match is not None
    assert (match[0], rules.kinds[match.lastgroup or ""]) == (b"sk-known-secret-12", KNOWN)


def test_without_shapes_and_secrets_nothing_is_found() -> None:
    assert Rules(shapes=False).pattern.search(b"sk-abcdefgh12345") is None


def test_every_branch_names_its_kind() -> None:
    rules = Rules([b"known-secret"])
    assert set(rules.pattern.groupindex) <= rules.kinds.keys()


def test_the_pattern_is_made_once() -> None:
    assert rules_for(frozenset([b"known-secret"]), True) is rules_for(frozenset([b"known-secret"]), True)


@pytest.mark.parametrize("length", [CONTEXT - 200, 40, 8])
def test_a_match_is_decided_within_its_context(length: int) -> None:
    """`redact` relies on it when it searches only what is new."""
    text = b"eyJ" + b"a" * (length - 3) + b"." + b"b" * 5000
    match = Rules().pattern.search(text[:CONTEXT])
    assert (match is not None) == (length > 12)


def test_rules_of_ones_own() -> None:
    assert checked_patterns(("emails", "paths", "x+")) == ("emails", "paths", "x+")
    assert [kind for _, kind in own_patterns(["emails", "paths", "x+"])] == ["email", "user", "custom"]
    assert set(OPTIONAL) == {"emails", "paths"}


@pytest.mark.parametrize(("rule", "why"), [("(", "no regular expression"), ("x*", "matches nothing at all")])
def test_a_rule_that_cannot_be_used_is_refused(rule: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        checked_patterns((rule,))
