"""Served replay: what was asked through one proxy is answered by another one from its records, and no provider hears of it."""

import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from addons.records.reader import Records
from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import PLAIN_MODEL, PROTOCOLS, RIGHT, checked_answer, checked_stream, error_of, own_provider, plain
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY

SCRIPTS = ("text", "slow")  # the second one takes its time between frames


@dataclass
class Recorded:
    """folder: of the records. answers: (protocol, script, stream) -> the bytes that the client got then."""

    folder: Path
    answers: dict[tuple[str, str, bool], bytes]


def ask(proxy: Proxy, protocol: str, words: str, *, stream: bool, script: str = "text") -> httpx.Response:
    model = f"{PLAIN_MODEL[own_provider(protocol)]}-{script}"
    asked = plain(protocol, model, words, stream=stream)
    headers = {**RIGHT, "content-type": "application/json"}
    return httpx.post(f"{proxy.url}{asked.path}", content=asked.raw, headers=headers, trust_env=False, timeout=30)


def words_of(protocol: str, script: str, stream: bool) -> str:
    return f"{protocol} {script} {'streamed' if stream else 'whole'}"


@pytest.fixture(scope="module")
def recorded(start: Launch, upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("served") / "records"
    proxy = start("recording", {**upstreams.settings, "RECORD_DIR": str(folder)})
    answers = {}
    for protocol in PROTOCOLS:
        for script in SCRIPTS:
            for stream in (False, True):
                if script == "slow" and not stream:
                    continue
                answer = ask(proxy, protocol, words_of(protocol, script, stream), stream=stream, script=script)
                assert answer.status_code == 200, answer.text
                answers[protocol, script, stream] = answer.content
    proxy.stop()
    return Recorded(folder, answers)


@pytest.fixture(scope="module", params=["recorded", "fast"])
def replaying(request: pytest.FixtureRequest, start: Launch, upstreams: Upstreams, recorded: Recorded) -> Proxy:
    """Accounts are set, and are not used."""
    settings = {
        "REPLAY": str(recorded.folder),
        "REPLAY_TIMING": request.param,
        "RECORD": "false",
        "CHAOS_HEADER": "true",
    }
    proxy = start(f"replaying-{request.param}", {**upstreams.settings, **settings})
    assert "none (answers are replayed from" in proxy.log.read_text()
    return proxy


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_gets_the_recorded_bytes(
    protocol: str, stream: bool, replaying: Proxy, recorded: Recorded, upstreams: Upstreams
) -> None:
    before = upstreams.asked
    answer = ask(replaying, protocol, words_of(protocol, "text", stream), stream=stream)
    assert answer.status_code == 200, answer.text
    assert answer.content == recorded.answers[protocol, "text", stream]
    assert answer.headers["x-aiclient-replay"].startswith("req_")
    assert upstreams.asked == before


@pytest.mark.parametrize("asked_in", PROTOCOLS)
@pytest.mark.parametrize("recorded_in", PROTOCOLS)
def test_a_client_of_any_protocol_is_answered(
    recorded_in: str, asked_in: str, stream: bool, replaying: Proxy, recorded: Recorded, upstreams: Upstreams
) -> None:
    """The streamed answer of a protocol, to clients of all four that stream or do not."""
    before = upstreams.asked
    answer = ask(replaying, asked_in, words_of(recorded_in, "text", True), stream=stream)
    assert answer.status_code == 200, answer.text
    then = checked_stream(recorded_in, recorded.answers[recorded_in, "text", True])
    now = (checked_stream if stream else checked_answer)(asked_in, answer.content)
    assert now.text == then.text
    assert upstreams.asked == before


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_recorded_timing_is_kept_or_left_out(protocol: str, replaying: Proxy, recorded: Recorded) -> None:
    words = words_of(protocol, "slow", True)
    record = next(each for each in Records(recorded.folder).each() if words in str(each["conversation"]))
    took = float(record["ended"]) - float(record["began"])  # type: ignore[arg-type]
    assert took > 0.2
    began = time.monotonic()
    answer = ask(replaying, protocol, words, stream=True, script="slow")
    now = time.monotonic() - began
    assert answer.content == recorded.answers[protocol, "slow", True]
    if "replaying-fast" in str(replaying.log):
        assert now < took
    else:
        assert now > 0.9 * took


def test_pieces_come_one_by_one_over_a_connection_that_stays(replaying: Proxy) -> None:
    asked = plain("chat", "gpt-4.1-slow", words_of("chat", "slow", True), stream=True)
    headers = {**RIGHT, "content-type": "application/json"}
    with httpx.Client(base_url=replaying.url, headers=headers, trust_env=False) as client:
        for _ in range(2):
            with client.stream("POST", asked.path, content=asked.raw) as answer:
                pieces = [(time.monotonic(), data) for data in answer.iter_raw() if data]
            if "replaying-fast" not in str(replaying.log):
                assert len(pieces) > 3
                assert pieces[-1][0] - pieces[0][0] > 0.15


def test_a_client_that_leaves_harms_nobody(replaying: Proxy) -> None:
    asked = plain("chat", "gpt-4.1-slow", words_of("chat", "slow", True), stream=True)
    headers = {**RIGHT, "content-type": "application/json"}
    with httpx.stream(
        "POST", f"{replaying.url}{asked.path}", content=asked.raw, headers=headers, trust_env=False
    ) as got:
        next(got.iter_raw())
    assert ask(replaying, "chat", words_of("chat", "text", False), stream=False).status_code == 200
    assert "Traceback" not in replaying.log.read_text()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_was_not_recorded_is_an_error_of_the_clients_protocol(
    protocol: str, stream: bool, replaying: Proxy, upstreams: Upstreams
) -> None:
    before = upstreams.asked
    answer = ask(replaying, protocol, "Something new", stream=stream)
    assert answer.status_code == 404
    error = error_of(protocol, answer.content)
    assert "no recorded request is like this one: the nearest is req_" in error["message"]
    assert "asked 'user: Something new'" in error["message"]
    assert upstreams.asked == before


@pytest.mark.parametrize("fault", ["cut;after=2", "reset"])
def test_faults_on_purpose_strike_replayed_streams_too(fault: str, replaying: Proxy, recorded: Recorded) -> None:
    """An agent is tested offline against a provider that fails."""
    asked = plain("chat", "gpt-4.1-slow", words_of("chat", "slow", True), stream=True)
    headers = {**RIGHT, "content-type": "application/json", "x-aiclient-chaos": fault}
    seen = b""
    with (  # noqa: PT012  # that it begins as well as that it breaks off
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream(
            "POST", f"{replaying.url}{asked.path}", content=asked.raw, headers=headers, trust_env=False
        ) as got,
    ):
        for data in got.iter_raw():
            seen += data
    whole = recorded.answers["chat", "slow", True]
    assert len(seen) < len(whole)
    assert whole.startswith(seen[: seen.rfind(b"\n\n") + 2])
    assert (seen.count(b"\n\n") == 2) == (fault != "reset")


def test_the_list_of_models_is_made_of_the_records(replaying: Proxy, upstreams: Upstreams) -> None:
    before = upstreams.asked
    answer = httpx.get(f"{replaying.url}/v1/models", headers={"authorization": f"Bearer {CLIENT_KEY}"}, trust_env=False)
    assert "gpt-4.1-text" in [model["id"] for model in answer.json()["data"]]
    assert upstreams.asked == before
