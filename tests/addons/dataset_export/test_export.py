"""Records in, a dataset out."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from addons.dataset_export.choose import Filter, Splits
from addons.dataset_export.example import Options
from addons.dataset_export.export import Order, Report, export
from addons.dataset_export.formats.table import FORMATS
from addons.dataset_export.progress import Progress
from converters.json_codec import JsonObject
from tests.addons.dataset_export.talk import (
    Agent,
    Record,
    assistant,
    call,
    record,
    result,
    thinking,
    user,
)


def exported(records: list[Record], folder: Path, format_: str = "hf-messages", **more: Any) -> Report:
    def read(_: bool) -> Iterator[JsonObject]:
        return iter(json.loads(json.dumps(records)))

    return export(read, Order(FORMATS[format_], **more), folder, Progress(io.StringIO(), lambda: 0.0))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def agent_with_a_side_task() -> list[Record]:
    agent = Agent("a")
    agent.ask("Read.", assistant(thinking("hm"), call("read", path="x")))
    agent.history[-1] = assistant(call("read", "other", path="x"))
    agent.ask(user(result("line", "other")), "It says line.")
    side = Agent("b", agent.history)
    side.ask("Remember.", "Nothing.")
    agent.ask("Thanks.", "Welcome.", model="m-2")
    return [*agent.made[:2], *side.made, agent.made[2]]


def test_each_turn_is_taught_once_and_rows_name_their_records(tmp_path: Path) -> None:
    report = exported(agent_with_a_side_task(), tmp_path)
    rows = lines(tmp_path / "data/train.jsonl")
    taught = [
        message["content"] or "call"
        for row in rows
        for message in row["messages"]
        if message["role"] == "assistant" and message.get("train", True)
    ]
    assert taught == ["call", "It says line.", "Nothing.", "Welcome."]
    assert [(row["records"], row["models"]) for row in lines(tmp_path / "provenance.jsonl")] == [
        (["a-1", "a-2", "b-1"], ["m-1", "m-1", "m-1"]),
        (["a-3"], ["m-2"]),
    ]
    assert (report.rows, report.turns, report.conversations, report.forks) == ({"train": 2}, {"train": 4}, 1, 1)
    assert report.of_model == {"m-1": 3, "m-2": 1}


def test_reasoning_comes_back_into_histories_from_which_the_client_cut_it(tmp_path: Path) -> None:
    exported(agent_with_a_side_task(), tmp_path, options=Options(reasoning="reasoning_content"))
    rows = lines(tmp_path / "data/train.jsonl")
    assert [row["messages"][1].get("reasoning_content") for row in rows] == ["hm", "hm"]


def test_reasoning_of_conversations_that_run_at_the_same_time_is_held_until_its_row_comes(tmp_path: Path) -> None:
    one, other = Agent("a"), Agent("b")
    for number in range(2):
        for agent in (one, other):
            agent.ask(f"{agent.name} asks {number}", assistant(thinking(f"{agent.name} {number}"), f"{number}"))
            agent.history[-1] = assistant(f"{number}")
    records = [one.made[0], other.made[0], one.made[1], other.made[1]]
    exported(records, tmp_path, options=Options(reasoning="thinking"))
    rows = lines(tmp_path / "data/train.jsonl")
    found = [[message["thinking"] for message in row["messages"] if "thinking" in message] for row in rows]
    assert found == [["a 0", "a 1"], ["b 0", "b 1"]]


def test_rows_by_turn(tmp_path: Path) -> None:
    exported(agent_with_a_side_task(), tmp_path / "a", rows="turns")
    exported(agent_with_a_side_task(), tmp_path / "b", "hf-prompt-completion")
    by_turn = lines(tmp_path / "a/data/train.jsonl")
    completions = lines(tmp_path / "b/data/train.jsonl")
    assert [len(row["messages"]) for row in by_turn] == [2, 4, 6, 6]
    assert [row["prompt"] + row["completion"] for row in completions] == [
        [{k: v for k, v in message.items() if k != "train"} for message in row["messages"]] for row in by_turn
    ]


def test_conversations_of_one_family_go_into_one_split(tmp_path: Path) -> None:
    records = []
    for number in range(60):
        parent, task = Agent(f"p{number}"), f"Look for the number {number} in all of the files, please."
        parent.ask(f"Go {number}.", assistant(call("Task", prompt=task)))
        child = Agent(f"c{number}")
        child.ask(task, f"Found {number}.")
        records += [*parent.made, *child.made]
    report = exported(records, tmp_path, splits=Splits((("train", 0.5), ("test", 0.5))))
    split_of = {row["records"][0]: row["split"] for row in lines(tmp_path / "provenance.jsonl")}
    assert all(split_of[f"p{number}-1"] == split_of[f"c{number}-1"] for number in range(60))
    assert 30 < report.rows["train"] < 90
    assert report.rows["train"] + report.rows["test"] == 120
    assert report.origins == {"sub-agent": 60}
    assert lines(tmp_path / "provenance.jsonl")[1]["from"] == "sub-agent"
    assert [row["row"] for row in lines(tmp_path / "provenance.jsonl") if row["split"] == "test"] == list(
        range(report.rows["test"])
    )


def test_pairs_are_written_whichever_answer_came_first(tmp_path: Path) -> None:
    records = [
        record("1", [user("hi")], assistant("good"), model="large"),
        record("2", [user("hi")], assistant("bad"), model="small"),
        record("3", [user("ho")], assistant("poor"), model="small"),
        record("4", [user("ho")], assistant("fine"), model="large"),
        record("5", [user("ho")], assistant("worse"), model="small"),
        record("6", [user("alone")], assistant("x"), model="large"),
    ]
    report = exported(records, tmp_path, "hf-dpo", chosen="large")
    assert [
        (row["prompt"][0]["content"], row["chosen"][0]["content"], row["rejected"][0]["content"])
        for row in lines(tmp_path / "data/train.jsonl")
    ] == [("hi", "good", "bad"), ("ho", "fine", "poor"), ("ho", "fine", "worse")]
    assert report.vanished == 0


def test_records_that_go_between_the_two_readings_are_counted(tmp_path: Path) -> None:
    records = agent_with_a_side_task()
    readings = iter([records, records[:2]])
    order, quiet = Order(FORMATS["hf-messages"]), Progress(io.StringIO(), lambda: 0.0)
    report = export(lambda _: iter(next(readings)), order, tmp_path, quiet)
    assert (report.rows, report.vanished) == ({}, 2)


def test_a_pair_whose_answers_were_begun_by_one_client_alone_has_both_as_they_are(tmp_path: Path) -> None:
    records = [
        record("1", [user("A poem."), assistant("Roses ")], assistant("are red."), model="m-1"),
        record("2", [user("A poem.")], assistant("Violets."), model="m-2"),
    ]
    for number, order in enumerate((records, records[::-1])):
        exported(order, tmp_path / str(number), "hf-dpo", chosen="m-1")
        (row,) = lines(tmp_path / str(number) / "data/train.jsonl")
        assert [row[name][0]["content"] for name in ("chosen", "rejected")] == ["Roses are red.", "Violets."]
        assert row["prompt"] == [{"role": "user", "content": "A poem."}]
        (source,) = lines(tmp_path / str(number) / "provenance.jsonl")
        assert source["records"] == ["1", "2"], "the chosen one first"


def test_what_belongs_to_a_message_and_is_no_part_of_it_is_named(tmp_path: Path) -> None:
    cited = record("1", [user("a") | {"name": "Ann"}], assistant("b") | {"citations": [{"url": "https://x"}]})
    report = exported([cited], tmp_path)
    assert report.losses == {"sources that an answer named": 1, "name of who wrote a message": 1}


def test_answers_without_words_teach_nothing_and_are_counted(tmp_path: Path) -> None:
    report = exported([record("1", [user("a")], assistant(thinking("hm")), stop="length")], tmp_path)
    assert (report.rows, report.wordless) == ({}, 1)


def test_splits_stand_in_their_order_whichever_row_comes_first(tmp_path: Path) -> None:
    records = [record(str(number), [user(f"{number}")], assistant("x")) for number in range(40)]
    for seed in range(4):
        report = exported(records, tmp_path / str(seed), splits=Splits((("train", 0.5), ("test", 0.5)), seed))
        assert list(report.rows) == ["train", "test"]


def test_lists_that_are_missing_are_named(tmp_path: Path) -> None:
    gone = record("1", [user("hi")], assistant("x"))
    gone["conversation"]["tools"] = None
    report = exported([gone], tmp_path)
    assert list(report.losses) == ["tools of a record, as the file they stood in is missing or damaged"]


def test_parquet_has_every_record_that_was_asked_for_and_duckdb_reads_it(tmp_path: Path) -> None:
    records = agent_with_a_side_task()
    records.append(record("cut", [user("x")], None, state="failed", began=1_795_392_000.0))
    records.append(records[0] | {"id": "again"})
    report = exported(records, tmp_path, "parquet", filter=Filter(states=()))
    source = f"'{tmp_path}/data/*/*.parquet'"
    found = duckdb.sql(f"select id, state, conversation <> '' from {source} order by id").fetchall()
    assert found == [
        ("a-1", "complete", True),
        ("a-2", "complete", True),
        ("a-3", "complete", True),
        ("again", "complete", True),
        ("b-1", "complete", True),
        ("cut", "failed", False),
    ]
    assert sum(report.rows.values()) == 6
    assert duckdb.sql(f"select count(distinct conversation) from {source} where id <> 'cut'").fetchall() == [(1,)]
    day = duckdb.sql(f"select day from {source} where id = 'cut'").fetchall()
    assert str(day[0][0]) == "2026-11-23"


def test_the_documented_query_shows_tokens_and_cost_by_model_and_day(tmp_path: Path, monkeypatch: Any) -> None:
    """The query and the prices stand in docs/datasets.md, and are run as they stand there."""
    page = (Path(__file__).resolve().parents[3] / "docs/datasets.md").read_text()
    monkeypatch.chdir(tmp_path)
    Path("prices.csv").write_text(page.split("```csv\n")[1].split("```")[0])
    usage = {
        "input_tokens": 1_000_000,
        "cache_read_tokens": 600_000,
        "cache_write_tokens": 100_000,
        "output_tokens": 200_000,
    }
    today = 1_795_392_000.0
    exported(
        [
            record("1", [user("a")], assistant("1"), model="my-large-model", usage=usage, began=today),
            record("2", [user("b")], assistant("2"), model="my-large-model", usage=usage, began=today + 60),
            record(
                "3",
                [user("c")],
                None,
                model="my-large-model",
                usage={"input_tokens": 1000},
                state="failed",
                began=today,
            ),
            record("4", [user("a")], assistant("4"), model="my-large-model", usage=usage, began=today + 86400),
            record("5", [user("a")], assistant("5"), model="unpriced", usage=usage, began=today),
        ],
        Path("traffic"),
        "parquet",
        filter=Filter(states=()),
    )
    found = duckdb.sql(page.split("```sql\n")[1].split("```")[0]).fetchall()
    once = (300_000 * 3 + 600_000 * 0.3 + 100_000 * 3.75 + 200_000 * 15) / 1e6
    assert [(str(row[0]), *row[1:]) for row in found] == [
        ("2026-11-23", "my-large-model", 3, 2_001_000, 1_200_000, 400_000, round(2 * once + 0.003, 4)),
        ("2026-11-23", "unpriced", 1, 1_000_000, 600_000, 200_000, None),
        ("2026-11-24", "my-large-model", 1, 1_000_000, 600_000, 200_000, round(once, 4)),
    ]


OURS: Record = {"mode": "append", "text": "Ours.", "replacements": [{"old": "brief", "new": "short"}]}


def test_rows_have_what_the_model_was_told(tmp_path: Path) -> None:
    one = record("1", [user("hi")], assistant("x"), system="Be brief.") | {"system_prompt": OURS}
    report = exported([one], tmp_path)
    (row,) = lines(tmp_path / "data/train.jsonl")
    assert row["messages"][0] == {"role": "system", "content": "Be short.\n\nOurs."}
    assert not report.losses

    gone = one | {"system_prompt": OURS | {"text": None}}
    report = exported([gone], tmp_path / "gone")
    assert list(report.losses) == ["system of a record, as the file they stood in is missing or damaged"]


def test_answers_to_the_same_words_are_no_pair_where_the_operators_prompt_differs(tmp_path: Path) -> None:
    one = record("1", [user("hi")], assistant("x"), model="a")
    two = record("2", [user("hi")], assistant("y"), model="b")
    told = {"system_prompt": OURS}
    for number, (records, pairs) in enumerate([([one, two], 1), ([one, two | told], 0), ([one | told, two | told], 1)]):
        assert exported(records, tmp_path / str(number), "hf-dpo", chosen="a").rows.total() == pairs
