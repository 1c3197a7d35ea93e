"""Output to a disk without room; end to end it is proved by tests/soak."""

import errno
import io
import logging
from typing import override

import pytest
from mitmproxy.addons.dumper import Dumper
from mitmproxy.addons.termlog import TermLog
from mitmproxy.test import taddons

from addons.steady_output import Steady, SteadyOutput


class Disk(io.StringIO):
    """error: what a write fails with, 0 for none."""

    error = 0

    @override
    def write(self, text: str) -> int:
        if self.error:
            raise OSError(self.error, "of the system")
        return super().write(text)


def test_what_cannot_be_written_is_said_once_and_counted_later() -> None:
    disk, warnings = Disk(), list[str]()
    output = Steady(disk, warnings.append)
    print("one", file=output)
    disk.error = errno.ENOSPC
    for _ in range(5):
        print("lost", file=output)
    assert warnings == ["aiclient: the log cannot be written (of the system); requests are served all the same"]
    disk.error = 0
    print("two", file=output)
    one, missing, two = disk.getvalue().splitlines()
    assert (one, two) == ("one", "two")
    assert missing.startswith("the log could not be written for a while")
    disk.error = errno.EDQUOT
    print("lost", file=output)
    assert len(warnings) == 2


def test_a_flush_that_fails_is_the_same() -> None:
    class Full(Disk):
        @override
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "full")

    warnings: list[str] = []
    Steady(Full(), warnings.append).flush()
    assert len(warnings) == 1


@pytest.mark.parametrize("error", [errno.EPIPE, errno.EBADF])
def test_output_that_is_gone_for_good_still_ends_the_program(error: int) -> None:
    disk = Disk()
    disk.error = error
    with pytest.raises(OSError, match="of the system"):
        print("lost", file=Steady(disk))


def test_everything_else_is_the_files_own() -> None:
    assert Steady(Disk()).isatty() is False


def test_mitmproxys_log_and_dump_on_the_terminal_go_through_it() -> None:
    disk = Disk()
    termlog, dumper = TermLog(disk), Dumper(disk)
    try:
        with taddons.context(termlog, dumper) as tctx:
            SteadyOutput().load(None)
            SteadyOutput().load(None)
            disk.error = errno.ENOSPC
            tctx.configure(dumper, flow_detail=1)
            logging.getLogger("aiclient").warning("a line")  # else: SystemExit
            dumper.echo("a line")
            disk.error = 0
            dumper.echo("the last")
            assert disk.getvalue().endswith("the last\n")
            assert isinstance(dumper.outfp, Steady)
            assert dumper.outfp is termlog.logger.file
    finally:
        termlog.uninstall()
