"""generateContent requests that are right, and sent on naively a 400 in another protocol. By section and what is hard; each a
change of the plain request."""

from typing import Any

from tests.fakes.samples import CITY_SCHEMA, PDF, PNG, WEATHER_SCHEMA

type Body = dict[str, Any]


def content(role: str, *parts: Body) -> Body:
    return {"role": role, "parts": list(parts)}


def text(words: str) -> Body:
    return {"text": words}


def call(name: str, id_: str | None = None, **args: object) -> Body:
    return {"functionCall": {"name": name, "args": args, **({"id": id_} if id_ else {})}}


def told(name: str, id_: str | None = None, **response: object) -> Body:
    return {"functionResponse": {"name": name, "response": response, **({"id": id_} if id_ else {})}}


def config(**fields: object) -> Body:
    return {"generationConfig": {"maxOutputTokens": 400, **fields}}


HI = content("user", text("Hi"))
WEATHER: Body = {"name": "get_weather", "description": "Weather", "parametersJsonSchema": WEATHER_SCHEMA}
TIME: Body = {"name": "get_time", "description": "Time now"}
TOOLS: Body = {"tools": [{"functionDeclarations": [WEATHER, TIME]}]}
PICTURE: Body = {"inlineData": {"mimeType": "image/png", "data": PNG}}
OLD_SCHEMA: Body = {
    "type": "OBJECT",
    "properties": {
        "city": {"type": "STRING", "nullable": True, "format": "enum", "enum": ["a", "b"]},
        "type": {"type": "STRING"},
        "list": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "1", "maxItems": "5"},
        "either": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]},
    },
    "required": ["city"],
    "propertyOrdering": ["city", "type", "list", "either"],
}

GEMINI: dict[str, Body] = {
    "9 everything at once": config(
        temperature=1.7,
        topP=0.9,
        topK=40,
        seed=1,
        presencePenalty=0.5,
        frequencyPenalty=0.5,
        stopSequences=["END", "\n", " "],
        candidateCount=1,
        responseLogprobs=True,
        logprobs=2,
    ),
    "9 five stop sequences": config(stopSequences=list("ABCDE")),
    "9 no config": {"generationConfig": None},
    "9 a limit above the model's": config(maxOutputTokens=999_999),
    "9 modalities of text": config(responseModalities=["TEXT"]),
    "7.1 a dynamic budget": config(thinkingConfig={"thinkingBudget": -1, "includeThoughts": True}),
    "7.1 a budget": config(thinkingConfig={"thinkingBudget": 20_000, "includeThoughts": True}),
    "7.1 no thinking": config(thinkingConfig={"thinkingBudget": 0}),
    "7.1 a budget and a forced tool": {
        **TOOLS,
        **config(thinkingConfig={"thinkingBudget": 2000}),
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
    },
    "2 a system instruction": {"systemInstruction": {"parts": [text("Be brief."), text("In German.")]}},
    "2 a system instruction with a role": {"systemInstruction": content("user", text("Be brief."))},
    "2 snake case": {
        "system_instruction": {"parts": [text("Be brief.")]},
        "generation_config": {"max_output_tokens": 50, "stop_sequences": ["x"]},
        "generationConfig": None,
    },
    "2 no role": {"contents": [{"parts": [text("Hi")]}]},
    "2 parts in one turn": {"contents": [content("user", text("1"), text("2"), PICTURE, text("3"))]},
    "3 a document": {
        "contents": [content("user", text("Read."), {"inlineData": {"mimeType": "application/pdf", "data": PDF}})]
    },
    "3 a text document": {
        "contents": [content("user", text("Read."), {"inlineData": {"mimeType": "text/plain", "data": "cGxhaW4="}})]
    },
    "4 a schema of the older kind": {
        "tools": [{"functionDeclarations": [{"name": "f", "description": "d", "parameters": OLD_SCHEMA}]}]
    },
    "4 a tool without parameters": {"tools": [{"functionDeclarations": [{"name": "now"}]}]},
    "4.2 a name with dots and colons": {"tools": [{"functionDeclarations": [{**TIME, "name": "ns.tool:a-b"}]}]},
    "4.3 a hosted tool": {"tools": [{"googleSearch": {}}]},
    "4.3 code execution": {"tools": [{"codeExecution": {}}]},
    "5 any tool": {**TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
    "5 one tool": {
        **TOOLS,
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_time"]}},
    },
    "5 two tools": {
        **TOOLS,
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_time", "get_weather"]}},
    },
    "5 no tool": {**TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "NONE"}}},
    "5 validated": {**TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}}},
    "6 calls without ids": {
        **TOOLS,
        "contents": [
            HI,
            content("model", call("get_weather", city="a"), call("get_weather", city="b"), call("get_time")),
            content(
                "user", told("get_weather", output="1"), told("get_weather", output="2"), told("get_time", output="3")
            ),
        ],
    },
    "6 calls with ids": {
        **TOOLS,
        "contents": [
            HI,
            content("model", text("ok"), call("get_weather", "c.1:ü", city="a"), call("get_time", "c.2")),
            content("user", told("get_weather", "c.1:ü", output="1"), told("get_time", "c.2", output="3")),
        ],
    },
    "6 calls in the history and no tools": {
        "contents": [HI, content("model", call("get_time")), content("user", told("get_time", output="3"))]
    },
    "6 two steps": {
        **TOOLS,
        "contents": [
            HI,
            content("model", call("get_time")),
            content("user", told("get_time", result="3")),
            content("model", call("get_time")),
            content("user", told("get_time", error="no clock"), text("and?")),
        ],
    },
    "6.3 structured results": {
        **TOOLS,
        "contents": [
            HI,
            content("model", call("get_time"), call("get_weather", city="x")),
            content("user", told("get_time", hour=12, zone={"a": [1, 2.0]}), told("get_weather")),
        ],
    },
    "7.4 thoughts in the history": {
        "contents": [HI, content("model", {"text": "hm", "thought": True}, text("42")), content("user", text("Sure?"))]
    },
    "8 JSON": {**config(responseMimeType="application/json"), "contents": [content("user", text("json please"))]},
    "8 a schema": config(responseMimeType="application/json", responseJsonSchema=CITY_SCHEMA),
    "8 a schema of the older kind": config(responseMimeType="application/json", responseSchema=OLD_SCHEMA),
    "8 one word of several": config(
        responseMimeType="text/x.enum", responseSchema={"type": "STRING", "enum": ["Hello", "world"]}
    ),
    "10 safety settings and labels": {
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    },
    "17 code that was run": {
        "contents": [
            HI,
            content(
                "model",
                {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                text("1"),
            ),
            content("user", text("Sure?")),
        ]
    },
}
