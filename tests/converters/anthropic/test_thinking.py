"""7.2 Reasoning by class of model, and every constraint that is a 400 upstream."""

import pytest

from converters.anthropic.thinking import put_thinking
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.turns import Chat, Effort, Reasoning

NEWEST, CAPABLE, BUDGET, OLD = "claude-opus-4-8", "claude-opus-4-6", "claude-sonnet-4-5", "claude-3-5-haiku-20241022"
LOOP: list[Json] = [
    {"role": "user", "content": [{"type": "text", "text": "q"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "tool_use", "id": "t"}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
]


def put(
    model: str,
    reasoning: Reasoning | None,
    max_tokens: int = 60000,
    client: str = "chat",
    loss: Loss | None = None,
    fields: JsonObject | None = None,
) -> JsonObject:
    """What was added to, or is left of, `fields`."""
    body: JsonObject = {"messages": [], **(fields or {})}
    put_thinking(body, Chat(model, client, reasoning=reasoning), max_tokens, loss or Loss())
    del body["messages"]
    return body


def enabled(budget: int) -> JsonObject:
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def adaptive(effort: str | None, **display: Json) -> JsonObject:
    config: JsonObject = {} if effort is None else {"output_config": {"effort": effort}}
    return {"thinking": {"type": "adaptive", **display}, **config}


EFFORTS: list[tuple[Effort, str, str, int]] = [
    ("minimal", "low", "low", 1024),
    ("low", "low", "low", 2048),
    ("medium", "medium", "medium", 8192),
    ("high", "high", "high", 24576),
    ("xhigh", "xhigh", "max", 32768),
    ("max", "max", "max", 59999),
]


@pytest.mark.parametrize(("effort", "newest", "capable", "budget"), EFFORTS)
def test_7_2_a_level_on_each_class(effort: Effort, newest: str, capable: str, budget: int) -> None:
    assert put(NEWEST, Reasoning(effort)) == adaptive(newest, display="summarized")
    assert put(CAPABLE, Reasoning(effort)) == adaptive(capable)
    assert put(BUDGET, Reasoning(effort)) == enabled(budget)


def test_7_2_a_budget_on_each_class() -> None:
    assert put(NEWEST, Reasoning(budget=5000)) == adaptive("medium", display="summarized")
    assert put(CAPABLE, Reasoning(budget=5000)) == adaptive("medium")
    assert put(BUDGET, Reasoning(budget=5000)) == enabled(5000)
    assert put(BUDGET, Reasoning("low", 5000)) == enabled(5000)


def test_7_2_as_much_as_the_model_likes() -> None:
    assert put(NEWEST, Reasoning(mode="adaptive")) == adaptive(None, display="summarized")
    assert put(CAPABLE, Reasoning(mode="adaptive")) == adaptive(None)
    assert put(BUDGET, Reasoning(mode="adaptive")) == enabled(24576)
    assert put(BUDGET, Reasoning()) == enabled(8192)


@pytest.mark.parametrize("model", [NEWEST, CAPABLE, BUDGET, OLD])
def test_7_1_nothing_said_is_nothing_sent(model: str) -> None:
    assert put(model, None) == {}


@pytest.mark.parametrize(
    "off", [Reasoning("none"), Reasoning(mode="off"), Reasoning(budget=0), Reasoning("none", mode="off")]
)
def test_7_2_none_turns_thinking_off(off: Reasoning) -> None:
    loss = Loss()
    for model in (NEWEST, CAPABLE, BUDGET):
        assert put(model, off, loss=loss) == {"thinking": {"type": "disabled"}}
    assert put(OLD, off, loss=loss) == {}
    assert not loss.dropped


def test_7_2_a_model_that_does_not_reason_drops_it() -> None:
    loss = Loss()
    assert put(OLD, Reasoning("high"), loss=loss, fields={"temperature": 0.5}) == {"temperature": 0.5}
    assert list(loss.dropped) == ["reasoning"]


def test_7_2_thinking_that_the_client_does_not_want_to_see_is_omitted() -> None:
    hidden = Reasoning("high", visible=False)
    assert put(NEWEST, hidden) == adaptive("high", display="omitted")
    assert put(CAPABLE, hidden) == adaptive("high", display="omitted")
    assert put(BUDGET, hidden) == {"thinking": {"type": "enabled", "budget_tokens": 24576, "display": "omitted"}}


def test_7_2_a_client_of_this_protocol_keeps_its_own_form_where_the_model_takes_it() -> None:
    budget = Reasoning(None, 5000)
    assert put(CAPABLE, budget, client="anthropic") == enabled(5000)
    assert put(NEWEST, budget, client="anthropic") == adaptive("medium", display="summarized")
    off = Reasoning("high", None, "off", False)
    assert put(NEWEST, off, client="anthropic") == {
        "thinking": {"type": "disabled"},
        "output_config": {"effort": "high"},
    }


def test_7_1_an_effort_alone_turns_no_thinking_on_for_a_client_of_this_protocol() -> None:
    alone, loss = Reasoning("low", visible=False), Loss()
    assert put(NEWEST, alone, client="anthropic", loss=loss) == {"output_config": {"effort": "low"}}
    assert put(CAPABLE, alone, client="anthropic", loss=loss) == {"output_config": {"effort": "low"}}
    assert not loss.dropped
    assert put(BUDGET, alone, client="anthropic", loss=loss) == {}
    assert list(loss.dropped) == ["reasoning"]


# --- the constraints ---


def test_7_2_a_budget_is_1024_at_least() -> None:
    loss = Loss()
    assert put(BUDGET, Reasoning(budget=500), loss=loss) == enabled(1024)
    assert list(loss.changed) == ["reasoning"]


def test_7_2_a_budget_is_less_than_max_tokens() -> None:
    loss = Loss()
    assert put(BUDGET, Reasoning(budget=8000), 8000, loss=loss) == enabled(7999)
    assert list(loss.changed) == ["reasoning"]
    assert put(BUDGET, Reasoning("high"), 1025) == enabled(1024)


def test_7_2_a_level_lowered_to_fit_is_no_warning() -> None:
    loss = Loss()
    put(BUDGET, Reasoning("max"), 8000, loss=loss)
    assert (list(loss.noted), loss.changed) == (["reasoning"], {})


@pytest.mark.parametrize("max_tokens", [0, 1, 1024])
def test_7_2_no_room_for_the_least_budget_drops_thinking(max_tokens: int) -> None:
    loss = Loss()
    assert put(BUDGET, Reasoning("high"), max_tokens, loss=loss) == {}
    assert list(loss.dropped) == ["reasoning"]


@pytest.mark.parametrize("choice", ["any", "tool"])
def test_7_2_a_forced_tool_choice_wins_over_thinking(choice: str) -> None:
    forced: JsonObject = {"tool_choice": {"type": choice}}
    for model, left in ((BUDGET, {}), (CAPABLE, {"effort": "high"}), (NEWEST, {"effort": "high"})):
        loss = Loss()
        expected = {**forced, "output_config": left} if left else forced
        assert put(model, Reasoning("high"), loss=loss, fields=forced) == expected
        assert list(loss.dropped) == ["reasoning"]


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_7_2_a_free_tool_choice_leaves_thinking_alone(choice: str) -> None:
    assert (
        put(BUDGET, Reasoning("low"), fields={"tool_choice": {"type": choice}})["thinking"] == enabled(2048)["thinking"]
    )


def test_7_2_a_running_tool_loop_without_signed_thinking_drops_it() -> None:
    loss = Loss()
    body: JsonObject = {"messages": [*LOOP]}
    put_thinking(body, Chat(BUDGET, "chat", reasoning=Reasoning("low")), 60000, loss)
    assert "thinking" not in body
    assert list(loss.dropped) == ["reasoning"]


@pytest.mark.parametrize("kind", ["thinking", "redacted_thinking"])
def test_7_2_a_running_tool_loop_with_signed_thinking_keeps_it(kind: str) -> None:
    signed: Json = {"role": "assistant", "content": [{"type": kind}, {"type": "tool_use", "id": "t"}]}
    over: Json = {"role": "user", "content": [{"type": "text", "text": "next"}]}
    answered: Json = {"role": "assistant", "content": []}
    histories: list[list[Json]] = [[LOOP[0], signed, LOOP[2]], [*LOOP, answered, over], LOOP[:1]]
    for messages in histories:
        body: JsonObject = {"messages": messages}
        put_thinking(body, Chat(BUDGET, "chat", reasoning=Reasoning("low")), 60000, Loss())
        assert body["thinking"] == enabled(2048)["thinking"]


def test_7_2_adaptive_thinking_has_no_such_rule() -> None:
    body: JsonObject = {"messages": [*LOOP]}
    put_thinking(body, Chat(CAPABLE, "chat", reasoning=Reasoning("low")), 60000, Loss())
    assert body["thinking"] == {"type": "adaptive"}


@pytest.mark.parametrize("model", [BUDGET, CAPABLE])
@pytest.mark.parametrize(
    ("sampling", "kept"),
    [
        ({"temperature": 0.5}, {}),
        ({"temperature": 0}, {}),
        ({"temperature": 1}, {"temperature": 1}),
        ({"top_p": 0.5}, {}),
        ({"top_p": 0.95}, {"top_p": 0.95}),
        ({"top_p": 1}, {"top_p": 1}),
        ({"top_k": 5}, {}),
    ],
)
def test_7_2_with_thinking_the_sampling_is_fixed(model: str, sampling: JsonObject, kept: JsonObject) -> None:
    loss = Loss()
    left = put(model, Reasoning("low"), loss=loss, fields=sampling)
    assert {name: value for name, value in left.items() if name in ("temperature", "top_p", "top_k")} == kept
    assert list(loss.dropped) == [name for name in sampling if name not in kept]
    for off in (None, Reasoning("none")):
        assert sampling.items() <= put(model, off, fields=sampling).items()


@pytest.mark.parametrize("temperature", [0.5, 1])
@pytest.mark.parametrize("reasoning", [None, Reasoning("none"), Reasoning("high")])
def test_7_2_the_newest_models_take_no_sampling_at_all(reasoning: Reasoning | None, temperature: float) -> None:
    loss = Loss()
    left = put(NEWEST, reasoning, loss=loss, fields={"temperature": temperature, "top_p": 0.99, "top_k": 5})
    assert left.keys().isdisjoint(("temperature", "top_p", "top_k"))
    assert list(loss.dropped) == ["temperature", "top_p", "top_k"]


@pytest.mark.parametrize(("model", "effort", "sent"), [(NEWEST, "minimal", "low"), (CAPABLE, "xhigh", "max")])
def test_7_1_a_level_that_the_model_lacks_is_changed_by_name(model: str, effort: Effort, sent: str) -> None:
    loss = Loss()
    assert put(model, Reasoning(effort), loss=loss)["output_config"] == {"effort": sent}
    assert list(loss.changed) == ["reasoning"]


def test_7_1_a_level_that_the_model_has_is_not() -> None:
    loss = Loss()
    put(NEWEST, Reasoning("xhigh"), loss=loss)
    assert loss.changed == {}
