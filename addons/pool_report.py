"""An account's state as `/health` and `aiclient accounts` show it."""

from addons.accounts import Member
from converters.json_codec import Json
from creds.account import State, Status
from creds.slot import Rest, SlotState, Standing

type Row = dict[str, Json]

# What a credential's own state comes to, where it keeps the account from use whatever its pool says.
_UNUSABLE = {State.NEEDS_LOGIN: "needs login", State.SUSPENDED: "suspended"}


def row_of(member: Member, state: SlotState, standing: Standing) -> Row:
    """label, state, reason, since, until (unix seconds, None where it has none), exchange (the one that led here), in_flight,
    models (those that rest by themselves: model, reason, since, until, exchange), advice (what a person can do)."""
    status = member.account.credential.status()
    row: Row = {
        "label": member.slot.label,
        "state": _state(status, standing),
        "reason": "",
        "since": None,
        "until": None,
    }
    if state.stop is not None:
        row |= {"reason": _reason(state.stop.cause, state.stop.reason), "since": state.stop.since}
        row["exchange"] = state.stop.exchange
    elif state.rest is not None:
        row |= _rest(state.rest)
    row["in_flight"] = state.in_flight
    if state.models:
        row["models"] = [{"model": name, **_rest(rest)} for name, rest in sorted(state.models.items())]
    if status.advice:
        row["advice"] = status.advice
    elif state.stop is not None:
        row["advice"] = f"when it is mended: aiclient pool reset {member.slot.label}"
    return row


def _state(status: Status, standing: Standing) -> str:
    if standing is Standing.DISABLED:
        return standing.value
    return _UNUSABLE.get(status.state, standing.value)


def _rest(rest: Rest) -> Row:
    reason = _reason(rest.cause, rest.reason)
    return {"reason": reason, "since": rest.since, "until": rest.until, "exchange": rest.exchange}


def _reason(cause: str, words: str) -> str:
    return f"{cause}: {words}" if words else cause
