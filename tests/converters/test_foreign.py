"""Fields that only the client's protocol has."""

import pytest

from converters.errors import ConversionError
from converters.foreign import leave_out_foreign
from converters.json_codec import Json
from converters.loss import Loss
from converters.turns import Chat


def left_out(name: str, value: Json) -> Loss:
    loss = Loss()
    leave_out_foreign(Chat("m", "chat", native={name: value}), loss, "This API")
    return loss


@pytest.mark.parametrize(
    "name", ["previous_response_id", "conversation", "prompt", "background", "cachedContent", "thread"]
)
def test_17_references_that_nobody_can_resolve_are_400(name: str) -> None:
    with pytest.raises(ConversionError) as caught:
        left_out(name, "x_1")
    assert caught.value.param == name
    assert caught.value.status == 400
    assert left_out(name, None).dropped  # not said, so nothing refers to anything


def test_10_a_spoken_answer_is_400_and_a_written_one_is_not() -> None:
    with pytest.raises(ConversionError, match="spoken"):
        left_out("modalities", ["text", "audio"])
    assert "modalities" in left_out("modalities", ["text"]).dropped


@pytest.mark.parametrize("name", ["metadata", "labels", "store", "safetySettings", "prompt_cache_retention"])
def test_17_bookkeeping_is_noted_and_not_named_to_the_client(name: str) -> None:
    loss = left_out(name, {"a": "b"})
    assert list(loss.noted) == [name]
    assert not loss.dropped


@pytest.mark.parametrize("name", ["logit_bias", "service_tier", "prediction", "web_search_options", "quite_unknown"])
def test_17_what_tunes_an_answer_is_named_to_the_client(name: str) -> None:
    loss = left_out(name, 1)
    assert loss.dropped == {name: "This API has no such field"}
