"""What Code Assist says of an account is read with patience: nearly everything may be missing or null."""

import json

import pytest

from creds.code_assist_answers import Loaded, Operation, Quota, Refusal, read_refusal


def test_all_of_loading_is_optional() -> None:
    empty = Loaded.model_validate({})
    assert (empty.current_tier, empty.cloudaicompanion_project, empty.reasons) == (None, "", "")
    assert (empty.tier, empty.onboard_to) == ("standard-tier", "legacy-tier")
    nulls = {
        "currentTier": None,
        "paidTier": None,
        "allowedTiers": None,
        "ineligibleTiers": None,
        "cloudaicompanionProject": None,
    }
    assert Loaded.model_validate(nulls) == empty


@pytest.mark.parametrize(
    ("body", "tier"),
    [
        ({"currentTier": {"id": "free-tier"}, "paidTier": {"id": "g1-pro-tier"}}, "g1-pro-tier"),
        ({"currentTier": {"id": "free-tier"}, "paidTier": {}}, "free-tier"),
        ({"currentTier": {"name": "?"}}, "standard-tier"),
    ],
)
def test_what_is_paid_for_counts_before_the_current_tier(body: dict[str, object], tier: str) -> None:
    assert Loaded.model_validate(body).tier == tier


def test_an_account_is_onboarded_to_the_default_of_the_allowed_tiers() -> None:
    tiers = [{"id": "free-tier"}, {"id": "new-tier", "isDefault": True}, {"id": "b", "isDefault": True}]
    assert Loaded.model_validate({"allowedTiers": tiers}).onboard_to == "new-tier"
    assert Loaded.model_validate({"allowedTiers": tiers[:1]}).onboard_to == "legacy-tier"


def test_reasons_are_an_open_list() -> None:
    tiers = [{"reasonCode": "NEWS", "reasonMessage": "No."}, {"reasonCode": "OLD"}, {"reasonMessage": "Never."}]
    loaded = Loaded.model_validate({"ineligibleTiers": tiers})
    assert loaded.reasons == "No.; Never."
    assert loaded.ineligible_for("NEWS") == loaded.ineligible_tiers[0] if loaded.ineligible_tiers else None
    assert loaded.ineligible_for("OTHER") is None


def test_the_project_of_onboarding_is_an_object() -> None:
    done = {"name": "operations/1", "done": True, "response": {"cloudaicompanionProject": {"id": "p", "name": "n"}}}
    assert Operation.model_validate(done).project == "p"
    for response in (None, {}, {"cloudaicompanionProject": None}):
        assert Operation.model_validate({**done, "response": response}).project == ""


def test_a_quotas_amounts_are_text() -> None:
    (bucket,) = Quota.model_validate({"buckets": [{"modelId": "m", "remainingAmount": "950"}]}).buckets or []
    assert (bucket.model_id, bucket.remaining_amount, bucket.remaining_fraction) == ("m", "950", None)


ERROR = {
    "error": {
        "code": 403,
        "message": "No.",
        "details": [
            {"reason": "VALIDATION_REQUIRED", "metadata": {"validation_link": "https://example.com/a"}},
            {"links": [{"url": "https://example.com/b"}]},
            "?",
        ],
    }
}


@pytest.mark.parametrize("payload", [ERROR, [ERROR]], ids=["plain", "listed"])
def test_a_refusal_tells_its_reason_and_where_to_look(payload: object) -> None:
    found = read_refusal(403, json.dumps(payload).encode())
    assert found == Refusal("No.", frozenset({"VALIDATION_REQUIRED"}), "https://example.com/a")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"17", b'{"error": "no"}', b'{"error": {}}'])
def test_a_refusal_in_no_known_shape_is_its_status(body: bytes) -> None:
    assert read_refusal(502, body) == Refusal("HTTP 502")


def test_links_of_the_wrong_kind_are_no_links() -> None:
    details = [{"links": "x"}, {"links": [{"url": 7}, 7]}, {"metadata": {"validation_link": None}}]
    assert read_refusal(403, json.dumps({"error": {"status": "X", "details": details}}).encode()) == Refusal("X")
