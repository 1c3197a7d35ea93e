"""What waits in the queue, and how much of it."""

from tests.addons.records.samples import attempt, exchange, streamed, whole_answer


def test_the_size_counts_each_body_once() -> None:
    body, other = b"x" * 10_000, b"y" * 5_000
    same = exchange(body=body, attempts=[attempt(body, b"")], answer=b"")
    crossed = exchange(body=body, attempts=[attempt(other, b"z" * 700)], answer=b"w" * 300)
    assert same.size == 10_000 + 4096
    assert crossed.size == same.size + 5_000 + 700 + 300


def test_the_size_counts_chunks_and_what_each_costs() -> None:
    chunks = [b"x" * 50] * 10
    assert streamed(chunks).size - streamed([]).size == 2 * 10 * (50 + 100)
    assert whole_answer() not in [data for _, data in streamed().chunks]
