"""What Code Assist answers about an account: tiers, project, quota, refusals. Read with patience: nearly all is optional.

Source: gemini-cli, packages/core/src/code_assist/{types,setup}.ts (read 2026-11).
"""

import json
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

FREE, LEGACY, STANDARD = "free-tier", "legacy-tier", "standard-tier"  # more exist; these three we act on
VALIDATION_REQUIRED, UNSUPPORTED_CLIENT = "VALIDATION_REQUIRED", "UNSUPPORTED_CLIENT"
SECURITY_POLICY = "SECURITY_POLICY_VIOLATED"  # the project lies behind VPC service controls


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


type _Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class Tier(_Answer):
    id: _Text = ""
    name: _Text = ""
    is_default: bool | None = None


class Ineligible(_Answer):
    """A tier that the account may not have. The list of reasons is open."""

    reason_code: _Text = ""
    reason_message: _Text = ""
    validation_url: _Text = ""


class Loaded(_Answer):
    """loadCodeAssist. The project is text here, and an object in the answer to onboardUser."""

    current_tier: Tier | None = None
    paid_tier: Tier | None = None
    allowed_tiers: list[Tier] | None = None
    ineligible_tiers: list[Ineligible] | None = None
    cloudaicompanion_project: _Text = ""

    @property
    def tier(self) -> str:
        """Of an account that has one: what it pays for counts before what it is in."""
        return (self.paid_tier and self.paid_tier.id) or (self.current_tier and self.current_tier.id) or STANDARD

    @property
    def onboard_to(self) -> str:
        """The tier for an account that has none."""
        return next((tier.id for tier in self.allowed_tiers or () if tier.is_default and tier.id), LEGACY)

    @property
    def reasons(self) -> str:
        """Why the account may not have other tiers, as Google says it."""
        return "; ".join(tier.reason_message for tier in self.ineligible_tiers or () if tier.reason_message)

    def ineligible_for(self, reason_code: str) -> Ineligible | None:
        return next((tier for tier in self.ineligible_tiers or () if tier.reason_code == reason_code), None)


class _Project(_Answer):
    id: _Text = ""


class _Onboarded(_Answer):
    cloudaicompanion_project: _Project | None = None


class _Failed(_Answer):
    message: _Text = ""


class Operation(_Answer):
    """onboardUser, and each look at how far it has come."""

    name: _Text = ""
    done: bool | None = None
    response: _Onboarded | None = None
    error: _Failed | None = None

    @property
    def project(self) -> str:
        found = self.response and self.response.cloudaicompanion_project
        return found.id if found else ""


class Bucket(_Answer):
    """What is left of a quota, for one model. It may be wrong: Google is known to refuse calls while it shows some left."""

    model_id: _Text = ""
    token_type: _Text = ""  # REQUESTS
    remaining_amount: _Text = ""  # an int64, so text
    remaining_fraction: float | None = None
    reset_time: _Text = ""  # RFC 3339


class Quota(_Answer):
    buckets: list[Bucket] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in Google's shape. reasons: of its ErrorInfo details. link: where its reader is to look or to act."""

    message: str
    reasons: frozenset[str] = frozenset()
    link: str = ""


def read_refusal(status: int, body: bytes) -> Refusal:
    """The body may be a list around the error, or a page of a load balancer."""
    try:
        payload = json.loads(body)
    except ValueError:
        payload = None
    if isinstance(payload, list):
        payload = payload[0] if payload else None
    error = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(error, dict):
        return Refusal(f"HTTP {status}")
    listed = error.get("details")
    details = [detail for detail in (listed if isinstance(listed, list) else ()) if isinstance(detail, dict)]
    links = [url for detail in details for url in _links(detail)]
    return Refusal(
        str(error.get("message") or error.get("status") or f"HTTP {status}"),
        frozenset(str(detail["reason"]) for detail in details if detail.get("reason")),
        next(iter(links), ""),
    )


def _links(detail: dict[str, object]) -> list[str]:
    metadata, links = detail.get("metadata"), detail.get("links")
    found = [metadata.get("validation_link")] if isinstance(metadata, dict) else []
    found += [link.get("url") for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    return [url for url in found if isinstance(url, str)]
