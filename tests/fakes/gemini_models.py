"""What Gemini refuses depending on the model: thinking, JSON answers beside tools, media inside results."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

type Body = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """levels: of thinkingLevel. budget: least and most of thinkingBudget, None if it takes none; stops: 0 is possible too.
    newer: signs its calls and wants the signatures back, gives calls an id, takes media in results and JSON beside tools."""

    levels: tuple[str, ...] = ()
    budget: tuple[int, int] | None = None
    stops: bool = False
    newer: bool = False

    @property
    def thinks(self) -> bool:
        return self.newer or self.budget is not None


_NEWER_BUDGET = (1, 65_535)  # taken from clients of the older kind
_PRO_3 = Model(("LOW", "HIGH"), _NEWER_BUDGET, newer=True)
_PRO = Model(("LOW", "MEDIUM", "HIGH"), _NEWER_BUDGET, newer=True)
_FLASH = Model(("MINIMAL", "LOW", "MEDIUM", "HIGH"), _NEWER_BUDGET, newer=True)
_MODELS: tuple[tuple[str, Model], ...] = (
    ("gemini-3-pro", _PRO_3),
    ("gemini-3.1-pro", _PRO),
    ("gemini-3", _FLASH),
    ("gemini-2.5-flash-image", Model()),
    ("gemini-2.5-flash-lite", Model(budget=(512, 24_576), stops=True)),
    ("gemini-2.5-flash", Model(budget=(0, 24_576), stops=True)),
    ("gemini-2.5-pro", Model(budget=(128, 32_768))),
)


def model_of(name: str) -> Model:
    return next((model for prefix, model in _MODELS if name.startswith(prefix)), Model())


def shows_thoughts(body: Body) -> bool:
    thinking = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
    return bool(thinking.get("includeThoughts"))


def functions_of(body: Body) -> list[Body]:
    return [f for tool in body.get("tools") or [] for f in tool.get("functionDeclarations") or []]


def by_model(body: Body, name: str) -> Iterator[str]:
    model, config = model_of(name), body.get("generationConfig") or {}
    yield from _thinking(config.get("thinkingConfig"), model)
    tools, functions = body.get("tools") or [], functions_of(body)
    if functions and not model.newer:
        if config.get("responseMimeType", "text/plain") != "text/plain":
            yield f"Function calling with a response mime type: '{config['responseMimeType']}' is unsupported"
        if any(set(tool) - {"functionDeclarations"} for tool in tools):
            yield "Tool use with function calling is unsupported"
        if len(tools) > 1:
            yield "Multiple tools are supported only when they are all search tools."
    if not model.newer and any(
        part["functionResponse"].get("parts")
        for content in body["contents"]
        for part in content.get("parts") or []
        if part.get("functionResponse")
    ):
        yield "Multimodal function responses are not supported for this model."


def _thinking(thinking: Body | None, model: Model) -> Iterator[str]:
    if thinking is None:
        return
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    level = None if level in (None, "THINKING_LEVEL_UNSPECIFIED") else level.upper()
    if not model.thinks:
        yield "Unable to submit request because thinking is not supported by this model."
    elif budget is not None and level is not None:
        yield "You can only set only one of thinking budget and thinking level."
    elif level is not None and level not in model.levels:
        word = f"Thinking level {level}" if model.levels else "Thinking level"
        yield f"{word} is not supported for this model. Please retry with other thinking level."
    elif budget == 0 and not model.stops:
        yield "Budget 0 is invalid. This model only works in thinking mode."
    elif budget == 0 and thinking.get("includeThoughts"):
        yield "Thinking_config.include_thoughts is only enabled when thinking is enabled."
    elif budget not in (None, -1, 0) and model.budget and not model.budget[0] <= budget <= model.budget[1]:
        low, high = model.budget
        yield f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}."
