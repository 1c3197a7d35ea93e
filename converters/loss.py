"""The loss list: every field that a conversion dropped or changed, by name. Nothing vanishes silently."""

from converters.errors import ConversionError

_HEADER_LIMIT = 1024


class Loss:
    """Filled while one request is converted.

    dropped, changed: name -> reason; each is a warning the client sees in `x-aiclient-conversion`, and with
    `strict_conversion` each is a 400. noted: bookkeeping that is only logged. Names are field paths without values;
    a dropped tool is `tools.<name>`.
    """

    __slots__ = ("changed", "dropped", "noted")

    def __init__(self) -> None:
        self.dropped: dict[str, str] = {}
        self.changed: dict[str, str] = {}
        self.noted: dict[str, str] = {}

    def drop(self, name: str, why: str) -> None:
        """The client will miss this: named in the header."""
        self.dropped.setdefault(name, why)

    def change(self, name: str, why: str) -> None:
        """Sent, but not as the client said it: named in the header."""
        self.changed.setdefault(name, why)

    def note(self, name: str, why: str) -> None:
        """Bookkeeping nobody will miss: logged only."""
        self.noted.setdefault(name, why)

    def refuse_if_strict(self, strict: bool) -> None:
        """Raises ConversionError that names the first dropped or changed field when `strict`."""
        if not strict:
            return
        for verb, found in (("drop", self.dropped), ("change", self.changed)):
            for name, why in found.items():
                raise ConversionError(
                    f"strict_conversion is on and this conversion would {verb} `{name}`: {why}",
                    param=name,
                    code="strict_conversion",
                )

    def header(self, client: str, provider: str) -> str:
        """Value of `x-aiclient-conversion`: `chat->anthropic; dropped=seed,n; changed=temperature`, names only, 1 KB at most."""
        text = f"{client}->{provider}"
        for word, found in (("dropped", self.dropped), ("changed", self.changed)):
            if found:
                text += f"; {word}=" + ",".join(_header_safe(name) for name in found)
        return text if len(text) <= _HEADER_LIMIT else text[: _HEADER_LIMIT - 3] + "..."


def _header_safe(name: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in ",;= " else "_" for c in name)
