"""The nested fields of a generateContent request that its parser reads; all others are named as lost."""

import re

from converters.unread import Kinds, Known

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def _known(read: str | None, drop: str = "", **inside: Known | Kinds) -> Known:
    """Names in camelCase, known in snake_case as well."""
    both = {_snake(name): value for name, value in inside.items()} | inside
    return Known(None if read is None else _both(read), _both(drop), **both)


def _both(names: str) -> str:
    return " ".join((names, *map(_snake, names.split())))


def _snake(name: str) -> str:
    return _HUMP.sub(lambda found: f"_{found[1].lower()}", name)


_MEDIA = (
    "mediaResolution mediaProcessing videoMetadata audioMetadata speechMetadata documentMetadata spreadsheetMetadata"
    " audioTranscription"
)
_BLOB = _known("mimeType data displayName")
_FILE = _known("fileUri mimeType displayName")
_PART = _known(
    "text thought thoughtSignature",
    drop=_MEDIA,
    inlineData=_BLOB,
    fileData=_FILE,
    functionCall=_known("id name args"),
    functionResponse=_known(
        "id name response", drop="scheduling", parts=_known("", drop=_MEDIA, inlineData=_BLOB, fileData=_FILE)
    ),
    executableCode=_known("code language"),
    codeExecutionResult=_known("output", drop="outcome"),
)
_ANSWER = "response responseJsonSchema behavior"  # what the model would be told of a function, and is not

KNOWN: dict[str, Known | Kinds] = {
    "contents": _known("role", parts=_PART),
    "systemInstruction": _known("text", parts=_known("text")),
    "tools": _known(
        None, functionDeclarations=_known("name description parameters parametersJsonSchema", drop=_ANSWER)
    ),
    "toolConfig": _known(
        None,
        functionCallingConfig=_known("mode allowedFunctionNames", drop="streamFunctionCallArguments"),
    ),
    "generationConfig": _known(None, thinkingConfig=_known("includeThoughts thinkingBudget thinkingLevel")),
}
