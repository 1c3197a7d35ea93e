"""The proof is worth what its walk sees: fields known to exist, of every kind of type, are found and built."""

from collections import Counter

import pytest

from tests.converters.every_field.seeds import complete
from tests.converters.every_field.verdict import WIRES, client_spots, convert
from tests.converters.every_field.walk import VENDOR

KNOWN = {
    "chat": (
        "messages[]{user}.content[]{image_url}.image_url.detail",
        "messages[]{assistant}.tool_calls[]{function}.function.arguments",
        "tools[]{custom}.custom.format{grammar}.grammar.syntax",
        "response_format{json_schema}.json_schema.schema",
        "logit_bias.*",
        "stop",
        "stop[]",
    ),
    "responses": (
        "input",
        "input[]{function_call_output}.output[]{input_image}.detail",
        "input[]{reasoning}.encrypted_content",
        "tools[]{namespace}.tools[]{function}.strict",
        "text.format{json_schema}.schema",
    ),
    "anthropic": (
        "system",
        "system[].cache_control.ttl",
        "messages[]{user}.content[]{tool_result}.content[]{image}.source{base64}.data",
        "messages[]{assistant}.content[]{thinking}.signature",
        "tools[]{custom}.input_examples[]",
        "thinking{enabled}.budget_tokens",
        "mcp_servers[].url",
    ),
    "gemini": (
        "contents[].parts[].functionResponse.parts[].inlineData.mimeType",
        "systemInstruction.parts[].text",
        "generationConfig.responseSchema.properties.*.enum[]",
        "generationConfig.thinkingConfig.thinkingLevel",
        "generationConfig.audioTimestamp",
        "toolConfig.functionCallingConfig.allowedFunctionNames[]",
        "safetySettings[].threshold",
        "labels.*",
        "cachedContent",
    ),
}
LEAST = {"chat": 150, "responses": 1000, "anthropic": 4000, "gemini": 500}


@pytest.mark.parametrize("client", WIRES)
def test_the_walk_sees_the_types(client: str) -> None:
    found = client_spots(client)
    assert [path for path in KNOWN[client] if path not in found] == []
    assert len(found) > LEAST[client]


@pytest.mark.parametrize("client", WIRES)
def test_each_object_has_room_for_a_field_of_a_vendors(client: str) -> None:
    kinds = Counter(path.rpartition(".")[2] == VENDOR for path in client_spots(client))
    assert kinds[True] > 30


@pytest.mark.parametrize("client", WIRES)
def test_a_built_request_holds_the_value_where_the_path_says(client: str) -> None:
    for path, (spot, builder) in client_spots(client).items():
        value = builder.values(spot)[-1]
        here: object = builder.holding(spot, value)
        for step in spot.steps:
            if isinstance(here, list) and step is None:
                here = here[0]
            elif isinstance(here, dict):
                here = here["zq" if step is None else step] if not isinstance(step, int) else here
        assert here == value, path


@pytest.mark.parametrize("client", WIRES)
def test_a_request_lacks_nothing_that_must_be_there(client: str) -> None:
    """Else a field would count as refused for the fault of another."""
    refused = {}
    for path, (spot, builder) in client_spots(client).items():
        body = builder.holding(spot, builder.values(spot)[0]) | {"model": "m"}
        error = convert(client, client, complete(client, body)).error
        if error is not None and error.code == "missing_required_parameter":
            refused[path] = str(error)
    assert refused == {}
