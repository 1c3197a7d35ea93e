"""Places of requests under way: taken, and given back once."""

from hypothesis import given
from hypothesis import strategies as st

from addons.places import Places

STEPS = st.lists(
    st.tuples(st.sampled_from(("take", "give_back", "left")), st.sampled_from("ab"), st.sampled_from("123"))
)


def test_a_place_is_taken_and_given_back_once() -> None:
    places = Places()
    places.take("a", "1")
    places.take("a", "1")
    places.take("a", "2")
    assert places.taken == 2
    for _ in range(3):
        places.give_back("a", "1")
    places.give_back("b", "2")
    assert places.taken == 1


def test_a_client_that_leaves_takes_all_its_requests_with_it() -> None:
    places = Places()
    for flow in "123":
        places.take("a", flow)
    places.take("b", "4")
    places.give_back("a", "2")
    places.left("a")
    places.left("a")
    places.give_back("a", "1")
    assert places.taken == 1


@given(STEPS)
def test_the_number_is_that_of_the_places_and_nothing_is_remembered_of_those_given_back(
    steps: list[tuple[str, str, str]],
) -> None:
    places, expected = Places(), set[tuple[str, str]]()
    for step, client, flow in steps:
        match step:
            case "take":
                places.take(client, flow)
                expected.add((client, flow))
            case "give_back":
                places.give_back(client, flow)
                expected.discard((client, flow))
            case _:
                places.left(client)
                expected = {each for each in expected if each[0] != client}
    assert places.taken == len(expected)
    assert places._flows.keys() == {client for client, _ in expected}
