"""What roles, scopes and states of keys are called. A part of `wording`."""

from __future__ import annotations

from typing import Final

ROLE_NAMES: Final = {
    "reviewer": "Reviewer: takes and answers tasks",
    "senior": "Senior: also adjudicates, and leads reviewers",
    "owner": "Owner: policies, calibrators, golden sets",
    "auditor": "Auditor: reads everything, changes nothing",
    "admin": "Administrator: people, sources, keys, pipelines",
}

SCOPE_NAMES: Final = {
    "intake": "intake: post claims and files",
    "read": "read: claims, outcomes and figures",
    "outcomes": "outcomes: report what became of a claim",
    "webhooks": "webhooks: say where it wants to be told",
    "review": "review: take and answer tasks",
    "audit": "audit: the ledger, reports and metrics",
    "admin": "admin: policies, breakers and golden sets",
}

KEY_STATES: Final = {
    "living": "works",
    "ending": "ends soon",
    "over": "ran out",
    "revoked": "revoked",
}
