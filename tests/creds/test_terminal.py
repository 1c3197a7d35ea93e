"""A person's terminal and browser."""

import asyncio
import os

import pytest

from creds.terminal import StandardTerminal, duration, has_browser, is_page, shown


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),  # a container, or the text browser of a server
        ({"SSH_CONNECTION": "x"}, "linux", False),
        ({"SSH_CONNECTION": "x", "DISPLAY": "localhost:10.0"}, "linux", True),  # X is forwarded
        ({"SSH_CONNECTION": "x", "BROWSER": "code-open"}, "linux", True),
        ({}, "darwin", True),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", False),
        ({}, "win32", True),
    ],
)
def test_a_browser_is_opened_where_a_window_can_be(environ: dict[str, str], platform: str, expected: bool) -> None:
    assert has_browser(environ, platform) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/x", True),
        ("http://127.0.0.1:1/x", True),
        ("http://example.com/x", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("http://[", False),
        ("--help", False),
    ],
)
async def test_28_a_browser_is_only_given_web_pages(url: str, expected: bool) -> None:
    """The address may be what a server said."""
    opened: list[str] = []
    terminal = StandardTerminal({"BROWSER": "x"}, show=lambda page: not opened.append(page))
    assert is_page(url) is expected
    assert await terminal.open(url) is expected
    assert opened == ([url] if expected else [])


async def test_without_a_browser_nothing_is_opened() -> None:
    assert not await StandardTerminal({}, show=lambda _: pytest.fail("opened")).open("https://example.com")


async def test_lines_come_one_by_one_and_none_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    read, write = os.pipe()
    os.write(write, b" first \nsecond\nlast")
    os.close(write)
    terminal = StandardTerminal({}, input=read)
    assert [await terminal.ask("?") for _ in range(4)] == ["first", "second", "last", None]
    assert capsys.readouterr().out == "?\n" * 4
    assert not terminal.interactive
    os.close(read)


async def test_who_waits_for_a_line_may_leave_and_the_line_is_no_error() -> None:
    read, write = os.pipe()
    terminal = StandardTerminal({}, input=read)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(terminal.ask("?"), 0.05)
    os.write(write, b"late\n")
    os.close(write)
    await asyncio.sleep(0.05)
    assert await terminal.ask("?") is None
    os.close(read)


def test_a_terminal_is_known_by_its_device() -> None:
    leader, follower = os.openpty()
    assert StandardTerminal({}, input=follower).interactive
    os.close(leader)
    os.close(follower)


def test_words_for_people() -> None:
    assert (duration(900), duration(90), duration(120)) == ("15 minutes", "90 seconds", "2 minutes")
    assert shown("AB\x1b[2J\r\nCD") == "AB[2JCD"
