"""Every exchange is on record, valid against the published schema, with the bytes that were really sent and got."""

import json
import time
from contextlib import suppress

import httpx
import pytest

from addons.cli import main
from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import PAIR_NAMES, PAIRS, PLAIN_MODEL, PROVIDERS, RIGHT, checked_answer, checked_stream, plain
from tests.e2e.pools.commands import aiclient
from tests.e2e.pools.fakes import Answer
from tests.e2e.pools.stage import Stage, toml
from tests.e2e.proxy import launch
from tests.e2e.records.conftest import Written
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import TEXT, Delivery, Script

HELLO = "".join(TEXT)


def ask(
    web: httpx.Client, kept: Written, protocol: str, provider: str, script: str, words: str = "Hi", *, stream: bool
) -> tuple[bytes, httpx.Response]:
    """(what was asked, the answer)"""
    asked = plain(protocol, f"{PLAIN_MODEL[provider]}-{script}", words, stream=stream)
    return asked.raw, web.post(f"{kept.proxy.url}/{provider}{asked.path}", content=asked.raw, headers=RIGHT)


@pytest.mark.parametrize(("protocol", "provider"), PAIRS, ids=PAIR_NAMES)
def test_every_pair_is_on_record_byte_by_byte(
    kept: Written, upstreams: Upstreams, web: httpx.Client, protocol: str, provider: str
) -> None:
    upstreams.of(provider).scripts["paced10"] = Script(delivery=Delivery(pace=0.01))
    for stream in (False, True):
        asked, answer = ask(web, kept, protocol, provider, "paced10", stream=stream)
        folded = (checked_stream if stream else checked_answer)(protocol, answer.content)
        record, records = kept.of(answer), kept.records
        sent = upstreams.of(provider).requests[-1]
        assert (record["state"], record["answer"]["status"]) == ("complete", 200)
        assert record["client"]["protocol"] == protocol
        assert (record["route"]["provider"], record["route"]["account"]) == (provider, f"{provider}:default")
        assert records.request_body(record) == asked
        assert records.request_body(record, 0) == sent.body
        assert record["attempts"][0]["wire"] == PROVIDERS[provider]
        assert record["attempts"][0]["request"]["url"].endswith(sent.target)
        down = records.answer(record)
        assert b"".join(data for _, data in down) == answer.content
        assert (len(down) > 2) is stream
        assert folded.text == HELLO
        assert record["conversation"]["messages"] == [{"role": "user", "parts": [{"type": "text", "text": "Hi"}]}]
        assert record["conversation"]["answer"]["parts"] == [{"type": "text", "text": HELLO}]
        untold = stream and protocol == PROVIDERS[provider] == "chat"  # a Chat stream tells them to those who ask
        assert record["usage"]["output_tokens"] == (None if untold else 12)
        if stream:
            times = [at for at, _ in records.answer(record, 0)]
            assert times == sorted(times)
            assert times[-1] - times[0] > 0.02, "the fake sends its frames one by one"


def test_a_refusal_is_on_record(kept: Written, web: httpx.Client) -> None:
    answer = web.post(f"{kept.proxy.url}/v1/chat/completions", content=b"{", headers=RIGHT)
    record = kept.of(answer)
    assert (record["state"], record["answer"]["status"], record["attempts"]) == ("failed", 400, [])
    assert record["no_conversation"]


def test_a_stream_that_was_cut_is_on_record_as_such(kept: Written, web: httpx.Client) -> None:
    _, answer = ask(web, kept, "anthropic", "openai-custom", "midcut", stream=True)
    assert checked_stream("anthropic", answer.content, broken=True).error
    record = kept.of(answer)
    assert record["state"] == "cut"
    assert "broke off" in record["error"]
    assert record["attempts"][0]["outcome"] == "broken_stream"
    (part,) = record["conversation"]["answer"]["parts"]
    assert HELLO.startswith(part["text"])


def test_a_stream_that_broke_before_it_said_anything_is_an_error_on_record(kept: Written, web: httpx.Client) -> None:
    _, answer = ask(web, kept, "chat", "claude-custom", "earlyerror", stream=True)
    record = kept.of(answer)
    assert answer.status_code >= 400
    assert (record["state"], record["answer"]["status"]) == ("failed", answer.status_code)
    assert b"".join(data for _, data in kept.records.answer(record)) == answer.content


def test_a_client_that_left_is_on_record_with_what_it_got(kept: Written, web: httpx.Client) -> None:
    asked = plain("chat", f"{PLAIN_MODEL['claude-custom']}-paced", "I shall leave", stream=True)
    with web.stream("POST", f"{kept.proxy.url}/claude-custom{asked.path}", content=asked.raw, headers=RIGHT) as answer:
        got = next(answer.iter_bytes())
    record = kept.of(answer)
    assert (record["state"], record["attempts"][0]["outcome"]) == ("cancelled", "cancelled")
    down = b"".join(data for _, data in kept.records.answer(record))
    assert down.startswith(got)
    assert record["conversation"]["answer"]["parts"][0]["text"].startswith("tick ")


def test_transcripts_are_on_the_console(kept: Written, web: httpx.Client) -> None:
    _, answer = ask(web, kept, "chat", "gemini-custom", "text", "to be read on the console", stream=True)
    kept.of(answer)
    until = time.monotonic() + 5
    while (text := kept.proxy.log.read_text()).count("to be read on the console") < 1 and time.monotonic() < until:
        time.sleep(0.05)
    talk = text[text.index(answer.headers["x-request-id"] + " chat ") :]
    assert f"\n[user]\nto be read on the console\n[assistant]\n{HELLO}\n" in talk


def test_the_records_can_be_listed_shown_searched_and_counted(
    kept: Written, web: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    _, good = ask(web, kept, "anthropic", "gemini-custom", "text", "where is the xylophone", stream=False)
    _, bad = ask(web, kept, "chat", "openai-custom", "e400", stream=False)
    kept.of(good)
    kept.of(bad)
    short = good.headers["x-request-id"].removeprefix("req_")[:12]

    def log(*words: str) -> str:
        assert main(["log", *words, "--dir", str(kept.folder)]) == 0
        return capsys.readouterr().out

    done = aiclient(kept.home, None, "log", "show", "last")
    assert done.returncode == 0, done.stderr
    assert "[error] " in done.stdout, "as a process of its own, which finds the folder by itself"
    listed = log("list", "--status", "2xx", "--model", "gemini-2.5*", "-n", "0")
    assert short in listed
    assert "200 complete" in listed
    assert bad.headers["x-request-id"].removeprefix("req_")[:12] not in listed
    assert f"[user]\nwhere is the xylophone\n[assistant]\n{HELLO}\n" in log("show", short)
    assert [short in line for line in log("search", "XYLOPHONE").splitlines()] == [False, True]
    (row,) = [
        json.loads(line)
        for line in log(
            "stats", "--provider", "gemini-custom", "--model", "gemini-2.5-flash-text", "--json"
        ).splitlines()
    ]
    assert row["requests"] >= 1
    assert row["out"] == 12 * row["requests"]


def test_a_failover_shows_both_attempts_and_sigterm_writes_what_waits(
    pool_stage: Stage, web: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    provider = "claude-custom"
    ill = pool_stage.account(provider, "ill", fault=Answer(529), priority=1)
    well = pool_stage.account(provider, "well", priority=2)
    config = tmp_path_factory.mktemp("failover") / "aiclient.toml"
    config.write_text(toml([ill, well]))
    proxy = launch(
        tmp_path_factory.mktemp("proxy") / "failover",
        {"API_KEY": CLIENT_KEY, "REQUEST_BASE_DELAY": "20", "CONFIG": str(config), "REQUEST_MAX_RETRIES": "0"},
    )
    kept = Written(proxy)
    try:
        _, first = ask(web, kept, "chat", provider, "text", stream=True)
        assert first.status_code == 200
        _, second = ask(web, kept, "chat", provider, "text", stream=False)
    finally:
        assert proxy.stop() == 0
    assert {first.headers["x-request-id"], second.headers["x-request-id"]} <= set(kept.ids), "SIGTERM came at once"
    record = kept.of(first)
    failed, served = record["attempts"]
    assert [made["account"] for made in (failed, served)] == [ill.label, well.label]
    assert (failed["outcome"], failed["answer"]["status"]) == ("overloaded", 529)
    assert (served["outcome"], served["answer"]["status"]) == ("success", 200)
    assert kept.records.request_body(record, 0) == kept.records.request_body(record, 1)
    assert record["route"]["account"] == well.label


FAULTS = {"cut;after=2": "cut", "garbage;after=1": "cut", "stall;after=1": "cut", "503": "failed", "reset": "failed"}


@pytest.fixture(scope="module")
def faulty(start: Launch, upstreams: Upstreams) -> Written:
    return Written(start("faults", {**upstreams.settings, "CHAOS_HEADER": "true", "CHAOS_STALL_SECONDS": "0.3"}))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_purpose_is_named(faulty: Written, web: httpx.Client, fault: str) -> None:
    """In whatever way it ends the answer; one that was spared has none."""
    asked = plain("anthropic", f"{PLAIN_MODEL['openai-custom']}-text", fault, stream=True)
    with suppress(httpx.HTTPError):
        url = f"{faulty.proxy.url}/openai-custom{asked.path}"
        web.post(url, content=asked.raw, headers={**RIGHT, "x-aiclient-chaos": fault})
    record = faulty.find(lambda record: fault in str(record["conversation"]["messages"]))
    assert (record["chaos"], record["state"]) == (fault.partition(";")[0], FAULTS[fault])
    _, spared = ask(web, faulty, "anthropic", "openai-custom", "text", stream=True)
    assert (faulty.of(spared)["chaos"], faulty.of(spared)["state"]) == (None, "complete")
