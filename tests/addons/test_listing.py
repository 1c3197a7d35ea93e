"""Names that lead to what they name."""

from addons.candidates import Candidate
from addons.listing import listing
from converters.model_list import Model

LISTS = {"a": [Model("one"), Model("both", name="Both")], "b": [Model("both"), Model("gpt-5")]}
LEADS = {
    "one": Candidate("a", "one", ""),
    "both": Candidate("a", "both", ""),
    "gpt-5": Candidate("b", "gpt-5", ""),
    "fast": Candidate("b", "gpt-5", ""),
    "far": Candidate("b", "unlisted", ""),
}


def test_16_a_model_is_listed_by_a_name_that_leads_to_it() -> None:
    found = listing(LISTS, ["fast", "far", "nowhere"], LEADS.get)
    assert [model.id for model in found] == ["fast", "far", "one", "both", "b:both", "gpt-5"]


def test_16_an_alias_has_the_limits_of_what_it_stands_for() -> None:
    found = {model.id: model for model in listing(LISTS, ["fast"], LEADS.get)}
    assert found["fast"].output_limit == 128_000


def test_16_a_name_that_an_alias_took_is_listed_once() -> None:
    found = listing({"a": [Model("fast")]}, ["fast"], LEADS.get)
    assert [model.id for model in found] == ["fast", "a:fast"]
