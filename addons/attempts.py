"""What became of each upstream try of an exchange, for whoever keeps a record of it. Plain facts, no secrets."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from converters.system_prompt import SystemPrompt

type Fields = Sequence[tuple[bytes, bytes]]


@dataclass(slots=True)
class Attempt:
    """One try: a request as it was sent, but for its credential, and what came of it. Times are unix seconds.

    account: its label. wire: the provider's, by name. outcome: "success", "cancelled" (the client left) or the word of an
    `UpstreamError`'s kind; "" while it is under way. prompt: the operator's system prompt in it. reason: the provider's words, scrubbed. status: None if no answer came.
    Bodies are kept only where somebody records: body as it was sent, answer as it came, content coding and all; chunks of a
    stream instead of the answer, each with its arrival.
    """

    provider: str
    account: str
    model: str
    wire: str
    began: float
    method: str = ""
    url: str = ""
    headers: Fields = ()
    body: bytes = field(default=b"", repr=False)
    status: int | None = None
    answer_headers: Fields = ()
    answer: bytes = field(default=b"", repr=False)
    chunks: list[tuple[float, bytes]] = field(default_factory=list, repr=False)
    ended: float = 0.0
    outcome: str = ""
    reason: str = ""
    prompt: SystemPrompt | None = None


def shown(attempt: Attempt) -> dict[str, str | int | float | None]:
    """Without heads and bodies, as plain data. seconds: how long it took."""
    return {
        "provider": attempt.provider,
        "account": attempt.account,
        "model": attempt.model,
        "url": attempt.url,
        "status": attempt.status,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "seconds": round(max(attempt.ended - attempt.began, 0.0), 3),
    }
