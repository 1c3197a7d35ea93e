"""Records in, a dataset out. The records are read twice: once for their hashes, to stitch and to plan, and once to write rows.

So memory holds no conversation but the one in hand; with reasoning kept, also that of answers whose rows are still to come.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from addons.dataset_export.choose import Dedupe, Filter, Splits, deduplicated
from addons.dataset_export.example import Example, Losses, Options, answer_of, example, thinking_of
from addons.dataset_export.facts import Facts, facts_of
from addons.dataset_export.files import Files, JsonLines, Parquet
from addons.dataset_export.formats.base import Format
from addons.dataset_export.plan import Plan, by_branch, by_pair, by_turn
from addons.dataset_export.progress import Progress
from addons.dataset_export.shapes import as_object, as_text, objects
from addons.dataset_export.stitch import Stitched, Turn
from addons.dataset_export.told import system_told
from converters.json_codec import JsonObject

type Read = Callable[[bool], Iterator[JsonObject]]

DATA, PROVENANCE = "data", "provenance.jsonl"


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted. rows: of a format of branches, rows by turn instead. chosen, same_model: for pairs, see plan.by_pair."""

    format: Format
    options: Options = field(default_factory=Options)
    filter: Filter = field(default_factory=Filter)
    dedupe: Dedupe = "exact"
    splits: Splits = field(default_factory=Splits)
    rows: Literal["branches", "turns"] = "branches"
    chosen: str = "continued"
    same_model: bool = False


@dataclass(slots=True)
class Report:
    """What came of it, for the card. rows: by split; of_*: turns (of parquet, records) by name; vanished: records that were not
    there any more when they were read a second time; torn: lines that are no record, counted by whoever reads them."""

    rows: Counter[str] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)  # by split
    losses: Losses = field(default_factory=Counter)
    of_model: Counter[str] = field(default_factory=Counter)
    of_provider: Counter[str] = field(default_factory=Counter)
    of_client: Counter[str] = field(default_factory=Counter)
    of_state: Counter[str] = field(default_factory=Counter)
    first: float = 0.0
    last: float = 0.0
    read: int = 0
    conversations: int = 0
    forks: int = 0
    origins: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    unanswered: int = 0
    wordless: int = 0
    rejoined: int = 0
    left_out: int = 0
    vanished: int = 0
    torn: int = 0

    def count(self, facts: Facts, split: str) -> None:
        self.turns[split] += 1
        self.of_model[facts.model or "unknown"] += 1
        self.of_provider[facts.provider or "unknown"] += 1
        self.of_client[" ".join(filter(None, (facts.agent, facts.protocol))) or "unknown"] += 1
        self.of_state[facts.state or "unknown"] += 1
        if facts.began:
            self.first = min(self.first or facts.began, facts.began)
            self.last = max(self.last, facts.began)


def export(read: Read, order: Order, folder: Path, progress: Progress) -> Report:
    """Writes FOLDER/data and FOLDER/provenance.jsonl. read: all records in the order in which they ended, the same each time; its
    argument says whether the lists they only refer to are wanted.

    Raises NotInstalled (parquet without pyarrow) and OSError.
    """
    data = folder / DATA
    if order.format.unit == "record":
        files: Files = Parquet(data, order.format.columns)
    else:
        files = JsonLines(data)
    stitched = Stitched()
    for record in progress.over(read(False), "records read"):
        stitched.add(record, order.filter)
    report = _stitching(stitched)
    records = progress.over(read(True), "records read again", stitched.read)
    try:
        if order.format.unit == "record":
            _write_records(records, order, stitched, files, report)
        else:
            with JsonLines(folder) as provenance:
                _write_examples(records, order, stitched, files, provenance, report)
    finally:
        files.close()
    report.rows = Counter({name: report.rows[name] for name, _ in order.splits.shares if report.rows[name]})
    return report


def _stitching(stitched: Stitched) -> Report:
    return Report(
        read=stitched.read,
        conversations=stitched.conversations,
        forks=sum(1 for _ in stitched.forks()),
        origins=Counter(origin.why for origin in stitched.origins.values()),
        repeated=stitched.repeated,
        unanswered=stitched.unanswered,
        wordless=stitched.wordless,
        rejoined=stitched.rejoined,
    )


def _write_records(
    records: Iterator[JsonObject], order: Order, stitched: Stitched, files: Files, report: Report
) -> None:
    seen: set[str] = set()
    for record in records:
        facts = facts_of(record)
        if facts.id in seen or facts.id not in stitched.places or not order.filter(facts):
            continue
        seen.add(facts.id)
        top = stitched.places[facts.id]
        split = order.splits.of(stitched.family_of(top) if top else facts.id.encode())
        _count_missing(record, report.losses)
        made = example(record, facts, top.hex(), [])
        if (row := order.format.write(made, order.options, report.losses)) is not None:
            files.write(row, split, facts.day)
            report.rows[split] += 1
            report.count(facts, split)


def _write_examples(
    records: Iterator[JsonObject],
    order: Order,
    stitched: Stitched,
    files: Files,
    provenance: JsonLines,
    report: Report,
) -> None:
    turns = deduplicated(stitched.turns, order.dedupe)
    report.left_out = len(stitched.turns) - len(turns)
    pairs = order.format.unit == "pair"
    by_rows = order.format.unit == "turn" or order.rows == "turns"
    if pairs:
        plan = by_pair(turns, order.chosen, same_model=order.same_model)
        examples = _pairs(records, plan, report)
    else:
        plan = by_turn(turns) if by_rows else by_branch(turns)
        examples = _ends(records, plan, order.options, report)
    for made, taught in examples:
        split = order.splits.of(stitched.family(taught[0]))
        row = order.format.write(made, order.options, report.losses)
        if row is None:
            continue
        files.write(row, split, made.facts.day)
        origin = stitched.origins.get(taught[0].node.top)
        source: JsonObject = {
            "split": split,
            "row": report.rows[split],
            "conversation": made.conversation,
            "records": [turn.facts.id for turn in taught],
            "models": [turn.facts.model for turn in taught],
        }
        if origin:
            source |= {"from": origin.why, "from_record": origin.id}
        provenance.write(source, PROVENANCE.removesuffix(".jsonl"))
        report.rows[split] += 1
        for turn in taught:
            report.count(turn.facts, split)


def _ends(
    records: Iterator[JsonObject], plan: Plan, options: Options, report: Report
) -> Iterator[tuple[Example, list[Turn]]]:
    """Each row's example, and the turns it teaches; its end comes last."""
    ends = dict(plan.ends)
    waiting: Counter[str] = Counter()  # turn -> rows to come that want its reasoning
    if options.reasoning != "drop":
        waiting.update(turn.facts.id for end in ends.values() for turn, _ in plan.path(end) if turn)
    thoughts: dict[str, list[JsonObject]] = {}
    for record in records:
        id_ = as_text(record.get("id"))
        if waiting[id_] and id_ not in thoughts:
            thoughts[id_] = thinking_of(answer_of(record))
        if (end := ends.pop(id_, None)) is None:
            continue
        _count_missing(record, report.losses)
        _count_asides(record, report.losses)
        path = plan.path(end)
        before = [(thoughts.get(turn.facts.id, []) if turn else [], learn) for turn, learn in path]
        yield (
            example(record, end.facts, end.node.top.hex(), before),
            [turn for turn, learn in path if turn and learn] + [end],
        )
        for turn, _ in path if waiting else ():
            if turn:
                waiting[turn.facts.id] -= 1
                if waiting[turn.facts.id] <= 0:
                    thoughts.pop(turn.facts.id, None)
    report.vanished += len(ends)


def _pairs(records: Iterator[JsonObject], plan: Plan, report: Report) -> Iterator[tuple[Example, list[Turn]]]:
    """Each pair's example when its second record comes by, of the first only the answer is held; and the turns of the pair, the
    chosen one first."""
    wanted: defaultdict[str, list[tuple[Turn, Turn]]] = defaultdict(list)
    for pair in plan.pairs:
        for turn in pair:
            wanted[turn.facts.id].append(pair)
    held: dict[str, list[JsonObject]] = {}
    missing = {id_: len(pairs) for id_, pairs in wanted.items()}  # pairs of a turn that are still to be written
    for record in records:
        id_ = as_text(record.get("id"))
        if not (mine := wanted.pop(id_, [])):
            continue
        held[id_] = answer_of(record)
        for winner, loser in mine:
            if winner.facts.id not in held or loser.facts.id not in held:
                continue
            answers = held[winner.facts.id], held[loser.facts.id]
            _count_missing(record, report.losses)
            _count_asides(record, report.losses)
            yield example(record, winner.facts, winner.node.top.hex(), [], pair=answers), [winner, loser]
            for turn in (winner, loser):
                missing[turn.facts.id] -= 1
                if not missing[turn.facts.id]:
                    del held[turn.facts.id]
    report.vanished += len(wanted)


def _count_missing(record: JsonObject, losses: Losses) -> None:
    talk = as_object(record.get("conversation"))
    for name, value in (("system", system_told(record)), ("tools", talk.get("tools"))):
        if talk and value is None:
            losses[f"{name} of a record, as the file they stood in is missing or damaged"] += 1


def _count_asides(record: JsonObject, losses: Losses) -> None:
    """What belongs to a message and is no part of it."""
    talk = as_object(record.get("conversation"))
    if as_object(talk.get("answer")).get("citations"):
        losses["sources that an answer named"] += 1
    if named := sum("name" in message for message in objects(talk.get("messages"))):
        losses["name of who wrote a message"] += named
