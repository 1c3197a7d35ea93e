"""Server-Sent Events as a list, from a whole body. Apart from the converters on purpose: who judges must not share their faults."""

from converters.json_codec import Json, loads


def frames(body: bytes) -> list[tuple[str, Json]]:
    """(event's name, payload) of each frame that holds data; what is no JSON comes as text."""
    text = body.decode(errors="replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found: list[tuple[str, Json]] = []
    for block in text.split("\n\n"):
        name, lines = "", []
        for line in block.split("\n"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                lines.append(value)
        if lines:
            found.append((name, payload("\n".join(lines))))
    return found


def payload(text: str) -> Json:
    try:
        return loads(text)
    except ValueError:
        return text
