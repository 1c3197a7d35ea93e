"""Where in the client's request a picture or file stands: what refuses it names the place."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from converters.errors import ConversionError
from converters.turns import Audio, Document, Image, Part, Video


def put_place(part: Part, place: str) -> None:
    """place: path in the client's own words, e.g. `messages[2].content[0]`."""
    if isinstance(part, Audio | Document | Image | Video):
        part.place = place


def name_place(part: Part, refused: ConversionError) -> None:
    """The error's field becomes the part's place, if that is known."""
    if isinstance(part, Audio | Document | Image | Video) and part.place is not None:
        refused.param = part.place


def names_place[**P, R](build: Callable[Concatenate[Part, P], R]) -> Callable[Concatenate[Part, P], R]:
    """For a builder of one part: its ConversionErrors name the part's place."""

    @wraps(build)
    def built(part: Part, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return build(part, *args, **kwargs)
        except ConversionError as refused:
            name_place(part, refused)
            raise

    return built
