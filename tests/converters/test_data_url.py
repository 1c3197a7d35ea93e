"""3: data URLs."""

import pytest

from converters.data_url import is_data_url, read_data_url, read_text, write_data_url
from converters.errors import ConversionError
from converters.turns import Base64


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png;base64,iVBOR+/=", Base64("image/png", "iVBOR+/=")),
        ("data:IMAGE/PNG;charset=utf-8;base64,AA==", Base64("image/png", "AA==")),
        ("data:image/jpg;base64,AA==", Base64("image/jpeg", "AA==")),
        ("data:image/png;base64,AA%3D%3D", Base64("image/png", "AA==")),
        ("data:,hi%20you", Base64("text/plain", "aGkgeW91")),
        ("data:text/html,<b>", Base64("text/html", "PGI+")),
        ("DATA:image/gif;base64,R0lG", Base64("image/gif", "R0lG")),
    ],
)
def test_3_a_data_url_is_read_and_one_that_is_not_base64_is_encoded(url: str, expected: Base64) -> None:
    assert is_data_url(url)
    assert read_data_url(url, "p") == expected


def test_3_a_data_url_without_content_is_a_400() -> None:
    with pytest.raises(ConversionError) as caught:
        read_data_url("data:image/png;base64", "messages[0].content[0].image_url.url")
    assert caught.value.param == "messages[0].content[0].image_url.url"


def test_a_web_address_is_no_data_url() -> None:
    assert not is_data_url("https://example.com/data:")


def test_3_a_data_url_is_written() -> None:
    assert write_data_url(Base64("image/png", "AA==")) == "data:image/png;base64,AA=="


def test_the_text_of_a_file_is_utf8() -> None:
    assert read_text(Base64("text/plain", "w6Tigqw="), "p") == "ä€"
    for data in ("/w==", "not base64!"):
        with pytest.raises(ConversionError):
            read_text(Base64("text/plain", data), "p")
