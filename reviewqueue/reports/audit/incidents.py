"""What the watchers found: breakers, drift, bands that broke their promise, reviewers who were paused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reviewqueue.reports.audit.document import Kind, Section, columns, several, table
from reviewqueue.reports.audit.scope import Scope, from_ppm, plain

BREAKERS: Final = ("breaker.tripped", "breaker.reset")
DRIFT: Final = ("drift.alarm", "drift.acknowledged")
BANDS: Final = ("band.state_changed",)
PEOPLE: Final = ("reviewer.paused", "reviewer.appealed", "reviewer.pause_decided")
_ABOUT: Final = "at: When; event: What; pipeline: Pipeline; model: Model"
_KINDS: Final = {"at": Kind.TIME, "leaf": Kind.LEAF, "actor": Kind.PERSON, "user": Kind.PSEUDONYM}


def incidents(scope: Scope) -> Section:
    breakers, drift, bands, people = (scope.entries(kinds) for kinds in (BREAKERS, DRIFT, BANDS, PEOPLE))
    tripped = sum(entry.kind == "breaker.tripped" for entry in breakers[0])
    alarms = sum(entry.kind == "drift.alarm" for entry in drift[0])
    broken = [entry for entry in bands[0] if entry.body["state_to"] in ("breach", "failed")]
    return Section(
        "incidents",
        "Breakers, drift and broken promises",
        [
            f"{several(tripped, 'breaker', 'breakers')} tripped, {several(alarms, 'drift alarm', 'drift alarms')}, "
            f"{several(len(broken), 'band', 'bands')} found below what was promised."
        ],
        tables=[
            table(
                "breakers",
                "Breakers",
                columns(f"{_ABOUT}; cause: Cause; actor: By; leaf: Leaf", **_KINDS),
                ([*_about(each), each.body.get("cause") or each.body.get("reason"), each.actor, each.index]
                 for each in breakers[0]),
                more=breakers[1],
            ),
            table(
                "drift",
                "Drift",
                columns(
                    f"{_ABOUT}; detector: Detector; band: Band; segment: Segment; state: State; actor: By; leaf: Leaf",
                    **_KINDS,
                ),
                ([*_about(each), each.body.get("detector"), each.body.get("band"), each.body.get("segment"),
                  each.body.get("state"), each.actor, each.index] for each in drift[0]),
                more=drift[1],
            ),
            table(
                "band_states",
                "States of bands",
                columns(
                    f"{_ABOUT}; band: Band; before: Before; after: After; accuracy: Accuracy; labelled: Labelled; "
                    "leaf: Leaf",
                    **_KINDS, accuracy=Kind.SHARE, labelled=Kind.COUNT,
                ),
                ([*_about(each), each.body["band"], each.body.get("state_from"), each.body["state_to"],
                  from_ppm(each.body.get("accuracy_ppm")), each.body.get("labelled"), each.index]
                 for each in bands[0]),
                more=bands[1],
            ),
            table(
                "pauses",
                "Paused reviewers",
                columns("at: When; event: What; pipeline: Pipeline; user: Reviewer; actor: By; leaf: Leaf", **_KINDS),
                ([plain(each.recorded_at), each.kind, each.body["pipeline"], each.body["user"], each.actor, each.index]
                 for each in people[0]),
                more=people[1],
            ),
        ],
    )  # fmt: skip


def _about(entry: Any) -> list[Any]:
    return [plain(entry.recorded_at), entry.kind, entry.body.get("pipeline"), model_of(entry.body)]


def model_of(body: Mapping[str, Any]) -> str:
    return " ".join(str(body[name]) for name in ("model", "model_version", "prompt_version") if body.get(name))
