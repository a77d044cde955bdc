"""Histories of a ledger as the product writes them: seeded, of every kind of the catalogue, and never against a rule.

A history is played by chance: claims come in, are decided by the policy in force, leased, labelled, settled and settled
again, while policies, epochs, keys and names change and checkpoints are signed. Nothing here is asked of the verifier.
"""

from __future__ import annotations

import hmac
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import rfc8785

from calibration.core.maps import calibrate
from calibration.core.segments import offset_name
from reviewqueue.ledger.accuracy import Accuracy
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import CATALOGUE, Entry, body_of
from reviewqueue.ledger.note import SigningKey, TreeHead, sign_note
from reviewqueue.ledger.tree import consistency_proof, inclusion_proof, perfect_nodes, perfect_root, root_of
from reviewqueue.ledger.verify_export import EXPORT_FORMAT, REPORT_FORMAT, REPORT_PROOF_FORMAT, Figures, facts_of

MINUTE, HOUR, DAY = (seconds * 1_000_000 for seconds in (60, 3600, 86_400))
START_US: Final = 1_795_832_876_000_000
PIPELINES: Final = ("support-answers", "übersetzung")
PEOPLE: Final = tuple(f"0198f0c2-0000-7000-8000-0000000000{number:02}" for number in range(6))
SENIOR: Final = PEOPLE[0]
MODELS: Final = (("m", "2026-10-01", "a"), ("m", "2026-11-01", "a"), ("日本", "1", "b"))
TEXTS: Final = ("Is it?", "Ägypten 😀", "\u2028 line", "", 'quoted "text"')
WITH_A_MEANING: Final = frozenset(
    [
        "claim.decided",
        "claim.rerouted",
        "task.opened",
        "lease.granted",
        "lease.renewed",
        "lease.held",
        "lease.handed_over",
        "lease.expired",
        "lease.released",
        "label.submitted",
        "label.amended",
        "adjudication.decided",
        "outcome.final",
        "outcome.superseded",
        "policy.proposed",
        "policy.approved",
        "policy.activated",
        "sample.epoch_committed",
        "sample.epoch_revealed",
        "accuracy.snapshot",
        "payload.erased",
        "key.rotated",
        "ledger.restarted",
    ]
)
"""What the rules look at is played; everything else of the catalogue is strewn in between."""
OTHERS: Final = sorted(CATALOGUE.keys() - WITH_A_MEANING)


def policy(chance: random.Random) -> dict[str, Any]:
    """Its bands cover the whole range; the uppermost decides by itself."""
    middle, upper = chance.choice([(0.5, 0.9), (0.6, 0.95), (0.333333, 0.8)])
    release = {"route": "accept", "audit_rate": 0.25}
    return {
        "bands": [
            {
                "low": 0.0,
                "high": middle,
                "route": chance.choice(["escalate", "uncertain", "reject"]),
                "audit_rate": 0.5,
            },
            {"low": middle, "high": upper, "route": "review", "audit_rate": 1.0, "release": release},
            {"low": upper, "high": 1.0, "route": chance.choice(["accept", "accept_flagged"]), "audit_rate": 0.1},
        ],
        "mandatory": chance.choice(
            [
                {"categories": ["refunds"], "segments": {"language": ["de"]}, "route": "review"},
                {"categories": [], "segments": {}, "route": "review"},
            ]
        ),
        "mode": chance.choice(["active", "active", "active", "shadow"]),
        "calibrators": [
            {"model": model, "model_version": version, "prompt_version": prompt, "name": name, "map": a_map(chance)}
            for name, (model, version, prompt) in zip(("first", "second", "third"), MODELS, strict=True)
            if chance.random() < 0.8
        ],
    }


def a_map(chance: random.Random) -> dict[str, Any]:
    """One of those that look at the stated confidence alone."""
    steps = sorted(chance.uniform(0.05, 0.99) for _ in range(4))
    return chance.choice(
        [
            {"kind": "identity"},
            {
                "kind": "platt", "slope": chance.uniform(0, 3), "intercept": chance.uniform(-2, 2), "eps": 1e-6,
                "offsets": {"language=de": [chance.uniform(0, 2), -1.0], "category=general & language=en": [1.0, 0.5]},
            },
            {"kind": "beta", "a": chance.uniform(0, 3), "b": chance.uniform(0, 3), "intercept": 0.3, "eps": 0.02},
            {"kind": "isotonic", "x": [0.1, 0.5, 0.9, 0.99], "y": steps},
            {"kind": "histogram", "edges": [0.3, 0.6, 0.9], "y": steps},
        ]
    )  # fmt: skip


def hash_of(document: dict[str, Any]) -> str:
    return "sha256:" + sha256(rfc8785.dumps(document)).hexdigest()


def _calibrated(document: dict[str, Any], said: dict[str, Any], stated: float) -> tuple[str, float] | tuple[None, None]:
    """What the product's own maps say: the verifier has to come to the same."""
    subject = tuple(said[name] for name in ("model", "model_version", "prompt_version"))
    for entry in document["calibrators"]:
        if (entry["model"], entry["model_version"], entry["prompt_version"]) == subject:
            segment = offset_name(said["category"], said["segments"], entry["map"].get("offsets", {}))
            return entry["name"], calibrate(entry["map"], stated, segment=segment)
    return None, None


@dataclass
class InForce:
    """What a pipeline works by at a moment."""

    document: dict[str, Any] | None = None
    version: int = 0
    epoch: str | None = None
    epoch_key: bytes = b""
    epoch_ends: int = 0
    revealed: int = 0
    past: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass
class History:
    """`entries` with the times they are recorded at, and the sizes under which checkpoints were signed.

    `pace` is the longest time from one entry to the next, in microseconds; with `signers_change` keys are rotated and
    the ledger is restarted under another name.
    """

    chance: random.Random
    events: int
    now: int = START_US
    pace: int = 20 * MINUTE
    signers_change: bool = True
    entries: list[tuple[int, Entry]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    payloads: dict[str, tuple[str, str]] = field(default_factory=dict)
    erased_at: dict[str, int] = field(default_factory=dict)
    restarted_at: int | None = None
    rotated_at: int | None = None

    def played(self) -> History:
        self._of: dict[str, InForce] = {slug: InForce() for slug in PIPELINES[: self.chance.randrange(1, 3)]}
        self._others = list(OTHERS)
        self.chance.shuffle(self._others)
        self._claims: list[UUID] = []
        lives: list[Iterator[None]] = []
        moves: list[tuple[int, Callable[[], None]]] = [
            (2, self._change_policy),
            (2, self._turn_epoch),
            (1, self._reveal),
            (1, self._state_accuracy),
            (self.signers_change, self._rotate_or_restart),
            (9, self._strew),
            (6, self._seal),
        ]
        while len(self.entries) < self.events:
            pick = self.chance.randrange(60)
            if pick < 24 and lives:
                self._go_on(lives)
            elif pick < 34:
                lives.append(self._life())
                self._go_on(lives)
            else:
                self.chance.choices([move for _, move in moves], [weight for weight, _ in moves])[0]()
        self._seal()
        return self

    # -- what all of it needs

    def write(self, event: str, who: Actor, claim: UUID | None = None, /, **fields: object) -> None:
        """Some are recorded a little earlier than those before them: times are not the order of the leaves."""
        late = self.chance.randrange(9 * MINUTE) if self.chance.random() < 0.1 else 0
        self.entries.append((self.now - min(late, self.pace), Entry(event, who, claim, fields)))
        self.now += self.chance.choice([0, 1, 1_000, self.chance.randrange(self.pace)])

    def _go_on(self, lives: list[Iterator[None]]) -> None:
        place = self.chance.randrange(len(lives))
        if next(lives[place], 0) == 0:
            del lives[place]

    def _uuid(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def _seal(self) -> None:
        if self.entries and (not self.sizes or self.sizes[-1] < len(self.entries)):
            self.sizes.append(len(self.entries))

    # -- policies, epochs, snapshots, keys

    def _change_policy(self) -> None:
        slug = self.chance.choice(list(self._of))
        state, document = self._of[slug], policy(self.chance)
        state.version += 1
        named = {"pipeline": slug, "policy_version": state.version, "policy_hash": hash_of(document)}
        proposer, approver = self.chance.sample(PEOPLE, 2)
        alone = self.chance.random() < 0.2
        self.write("policy.proposed", Actor.user(proposer, role="owner"), **named)
        if self.chance.random() < 0.2:
            return
        self._strew()
        by = Actor.user(proposer if alone else approver, role="owner")
        self.write("policy.approved", by, **named, **({"one_person": True} if alone else {}))
        self.write("policy.activated", by, **named)
        state.document = self.policies[named["policy_hash"]] = document

    def _turn_epoch(self) -> None:
        """The key of the next month is committed to before it begins."""
        slug = self.chance.choice(list(self._of))
        state = self._of[slug]
        begins = max(self.now, state.epoch_ends)
        key, name = self.chance.randbytes(32), f"{slug}-{len(state.past)}"
        ends = begins + self.chance.randrange(20, 60) * self.pace
        commitment = sha256(b"reviewqueue sampling commitment 1\0" + key).hexdigest()
        self.write(
            "sample.epoch_committed", Actor.system("sampling"),
            pipeline=slug, epoch=name, commitment=commitment, from_us=begins, to_us=ends,
        )  # fmt: skip
        self.now = max(self.now, begins)
        state.epoch, state.epoch_key, state.epoch_ends = name, key, ends
        state.past.append((name, key))

    def _reveal(self) -> None:
        """Of an epoch that another one has taken over from."""
        for slug, state in self._of.items():
            if state.revealed < len(state.past) - 1:
                name, key = state.past[state.revealed]
                commitment = sha256(b"reviewqueue sampling commitment 1\0" + key).hexdigest()
                self.write(
                    "sample.epoch_revealed", Actor.system("sampling"),
                    pipeline=slug, epoch=name, secret=key.hex(), commitment=commitment,
                )  # fmt: skip
                state.revealed += 1
                return

    def _state_accuracy(self) -> None:
        """As `ledger.accuracy` does, by another way: each claim's last outcome under a sealed size."""
        if not self.sizes:
            return
        leaf_to = self.sizes[-1] - 1
        decided: dict[UUID | None, Any] = {}
        standing: dict[UUID | None, Any] = {}
        for _, entry in self.entries[: leaf_to + 1]:
            if entry.event == "claim.decided":
                decided.setdefault(entry.claim, entry.fields)
            elif entry.event == "outcome.final":
                standing[entry.claim] = entry.fields
            elif entry.event == "outcome.superseded":
                standing.pop(entry.claim)
        found: dict[tuple[str, ...], dict[str, dict[str, list[int]]]] = {}
        for claim, outcome in standing.items():
            if outcome["basis"] not in ("labels", "adjudication") or outcome["correct"] is None:
                continue
            of = decided[claim]
            subject = tuple(str(of[name]) for name in ("pipeline", "model", "model_version", "prompt_version"))
            rates = found.setdefault(subject, {}).setdefault(str(of["band"] or ""), {})
            count = rates.setdefault(str(of["inclusion_ppm"]), [0, 0])
            count[0], count[1] = count[0] + 1, count[1] + bool(outcome["correct"])
        for subject, bands in sorted(found.items()):
            accuracy = Accuracy(subject, bands)  # type: ignore[arg-type]
            self.write("accuracy.snapshot", Actor.system("ledger"), **accuracy.fields(leaf_to))

    def _rotate_or_restart(self) -> None:
        if self.rotated_at is None and self.chance.random() < 0.4:
            self.write(
                "key.rotated", Actor.system("keys"), key_from="old", key_to="new", overlap_until_us=self.now + DAY
            )
            self.rotated_at = len(self.entries)
        elif self.restarted_at is None and self.chance.random() < 0.2:
            self.restarted_at = len(self.entries)
            names = {"origin_from": "tests", "origin_to": "tests/second"}
            self.write("ledger.restarted", Actor.system("restart_ledger"), **names, tree_size=self.restarted_at, lost=0)

    def _strew(self) -> None:
        """Something that no rule looks at, of a claim or of none; the rarest kinds come first."""
        kind = self._others.pop() if self._others else self.chance.choice(OTHERS)
        shape = CATALOGUE[kind]
        claims = [claim for claim in self._claims if claim is not None]
        claim = self.chance.choice(claims) if claims and (shape.about_claim or self.chance.random() < 0.2) else None
        if claim is None and shape.about_claim:
            self._others.insert(0, kind)
            return
        may = [name for name in sorted(shape.may) if self.chance.random() < 0.2]
        fields = {name: self._value(name) for name in [*sorted(shape.must), *may]}
        who = self.chance.choice([Actor.user(self.chance.choice(PEOPLE)), Actor.system("x"), Actor.key("rq_1234")])
        self.write(kind, who, claim, **fields)

    def _value(self, name: str) -> object:
        if name.endswith("_ppm"):
            return self.chance.randrange(1_000_001)
        if name.endswith("_us"):
            return self.now + self.chance.randrange(-HOUR, HOUR)
        if name == "pipeline":
            return self.chance.choice(PIPELINES)
        values = [None, True, 7, -1, "text", "ﬁ ✓", str(self._uuid()), ["a", "b"], {"é": 1, "e": 2, "\U0001f600": 3}]
        return self.chance.choice(values)

    # -- the life of a claim

    def _life(self) -> Iterator[None]:
        claim, slug = self._uuid(), self.chance.choice(list(self._of))
        self._decide(claim, slug)
        self._claims.append(claim)
        yield
        if self.chance.random() < 0.15:
            self._route_again(claim, slug)
            yield
        before: str | None = None
        for task in range(self.chance.choice([0, 1, 1, 1, 2])):
            before = yield from self._looked_at(claim, slug, f"{claim}/{task}", before, again=task > 0)
        if self.chance.random() < 0.2:
            before = self._settle(claim, slug, before, label=None, basis="external")
            yield
        if self.chance.random() < 0.2:
            payload = str(claim) if self.chance.random() < 0.7 else str(self._uuid())
            self.write(
                "payload.erased", Actor.user(SENIOR, role="admin"), claim,
                payload=payload, basis="request", second_approver=PEOPLE[1],
            )  # fmt: skip
            if payload == str(claim):
                self.erased_at[payload] = len(self.entries) - 1
            yield

    def _decide(self, claim: UUID, slug: str) -> None:
        state = self._of[slug]
        salt, text = self.chance.randbytes(32), json.dumps({"input": self.chance.choice(TEXTS)}, ensure_ascii=False)
        self.payloads[str(claim)] = salt.hex(), text
        model, version, prompt = self.chance.choice(MODELS)
        said: dict[str, Any] = {
            "pipeline": slug, "model": model, "model_version": version, "prompt_version": prompt,
            "category": self.chance.choice([None, "general", "refunds"]),
            "segments": self.chance.choice([{}, {"language": "en"}, {"language": "de"}]),
            "content_commitment": sha256(b"\x02" + salt + text.encode()).hexdigest(),
        }  # fmt: skip
        stated = self.chance.choice([0.0, 1.0, 0.95, self.chance.random()])
        said |= {"confidence_ppm": round(stated * 1e6), **self._routed(claim, state, said, stated)}
        self.write("claim.decided", Actor.source("bot"), claim, **said)

    def _routed(self, claim: UUID, state: InForce, said: dict[str, Any], stated: float) -> dict[str, Any]:
        number = self.chance.random()
        if state.epoch is not None:
            digest = hmac.digest(state.epoch_key, claim.bytes, "sha256")
            number = (int.from_bytes(digest[:7], "big") >> 3) / (1 << 53)
        drawn = {"epoch": state.epoch, "audit_u": f"{number:.18f}"}
        nothing = {"band": None, "band_state": None, "calibrator": None, "calibrated_ppm": None, "mandatory": False}
        held = {"audit_rate_ppm": 1_000_000, "audit_sampled": False, "inclusion_ppm": 1_000_000, "route": "review"}
        if state.document is None:
            unknown = {"policy_version": None, "policy_hash": None, "reasons": ["no_policy"]}
            return {**drawn, **nothing, **held, **unknown}
        named = {"policy_version": state.version, "policy_hash": hash_of(state.document)}
        if self.chance.random() < 0.1:
            return {**drawn, **nothing, **held, **named, "mandatory": True, "reasons": ["step_timeout"]}
        calibrator, calibrated = _calibrated(state.document, said, stated)
        is_calibrated = calibrated is not None
        known = stated if calibrated is None else calibrated
        band = next(each for each in reversed(state.document["bands"]) if known >= each["low"])
        name, passed = band_name(band), bool(band.get("release")) and self.chance.random() < 0.3
        if passed:
            name, band = f"{name}+verified", {**band, **band["release"]}
        earned = is_calibrated and self.chance.random() < 0.8
        route, reasons = self._route_of(state.document, band, said, earned=earned)
        is_open = route in ("accept", "accept_flagged", "reject")
        audited = is_open and number < band["audit_rate"]
        rate = round(band["audit_rate"] * 1e6) if is_open else 1_000_000
        return {
            **drawn, **named, "band": name, "band_state": "validated" if earned else "provisional",
            "calibrator": calibrator, "calibrated_ppm": None if calibrated is None else round(calibrated * 1e6),
            "mandatory": any(reason.startswith("mandatory") for reason in reasons), "reasons": reasons,
            "route": route, "audit_rate_ppm": rate, "audit_sampled": audited, "inclusion_ppm": rate,
        }  # fmt: skip

    def _route_of(
        self, document: dict[str, Any], band: dict[str, Any], said: dict[str, Any], *, earned: bool
    ) -> tuple[str, list[str]]:
        route, mandatory = band["route"], document["mandatory"]
        held = "escalate" if route == "escalate" else "review"
        language = (said["segments"] or {}).get("language")
        if mandatory["categories"] and (said["category"] is None or said["category"] in mandatory["categories"]):
            return held, ["mandatory_category"]
        if mandatory["segments"] and (language is None or language in mandatory["segments"]["language"]):
            return held, ["mandatory_segment"]
        if route in ("review", "escalate", "uncertain"):
            return route, ["band"]
        if document["mode"] == "shadow":
            return "review", ["shadow_mode"]
        if not earned:
            return "review", ["band_unvalidated"]
        if self.chance.random() < 0.15:
            return self.chance.choice(["review", "escalate"]), [self.chance.choice(["signal_rule", "drift_breaker"])]
        return route, ["band"]

    def _route_again(self, claim: UUID, slug: str) -> None:
        state = self._of[slug]
        named: dict[str, Any] = {"policy_version": None, "policy_hash": None}
        if state.document is not None:
            named = {"policy_version": state.version, "policy_hash": hash_of(state.document)}
        route = self.chance.choice(["review", "escalate"]) if state.document else "review"
        self.write(
            "claim.rerouted", Actor.system("policy"), claim,
            pipeline=slug, route=route, mandatory=self.chance.random() < 0.3, reasons=["drift_breaker"], **named,
        )  # fmt: skip

    def _looked_at(self, claim: UUID, slug: str, task: str, before: str | None, *, again: bool) -> Iterator[Any]:
        """A task of one or two labels under leases of every fate; what comes of it, if anything. The last outcome."""
        self.write(
            "task.opened", Actor.system("review"), claim,
            pipeline=slug, task=task, purpose="relabel" if again else "review",
        )  # fmt: skip
        yield None
        people = self.chance.sample(PEOPLE[3 if again else 1 : 6 if again else 3], self.chance.choice([1, 2]))
        label = None
        for slot, person in enumerate(people):
            if self.chance.random() < 0.3:
                yield from self._lease_in_vain(claim, task, f"{task}/{slot}")
            label = yield from self._labelled(claim, task, f"{task}/{slot}", person)
        if label is None:
            return before
        basis = "labels"
        if self.chance.random() < 0.3:
            self.write("adjudication.decided", Actor.user(SENIOR, role="senior"), claim, task=task, label=label)
            basis = "adjudication"
            yield None
        before = self._settle(claim, slug, before, label=label, basis=basis)
        yield None
        return before

    def _lease(self, claim: UUID, task: str, slot: str, person: str) -> str:
        lease = str(self._uuid())
        self.write(
            "lease.granted", Actor.user(person, role="reviewer"), claim,
            lease=lease, task=task, lease_no=1, reviewer=person, slot=slot, expires_us=self.now + 30 * MINUTE,
        )  # fmt: skip
        return lease

    def _lease_in_vain(self, claim: UUID, task: str, slot: str) -> Iterator[None]:
        lease = self._lease(claim, task, slot, self.chance.choice(PEOPLE))
        yield
        if self.chance.random() < 0.7:
            kind = self.chance.choice(["lease.released", "lease.expired", "lease.handed_over"])
            more = {"reviewer": self.chance.choice(PEOPLE)} if kind == "lease.handed_over" else {}
            self.write(kind, Actor.system("review"), claim, lease=lease, **more)
            yield

    def _labelled(self, claim: UUID, task: str, slot: str, person: str) -> Iterator[Any]:
        lease, expires, late = self._lease(claim, task, slot, person), self.entries[-1][0] + 30 * MINUTE, False
        yield None
        fate = self.chance.choice(["", "", "lease.renewed", "lease.held", "lease.expired"])
        if fate in ("lease.renewed", "lease.held"):
            expires = self.now + 40 * MINUTE
            self.write(fate, Actor.user(person), claim, lease=lease, expires_us=expires)
            yield None
        elif fate:
            self.write(fate, Actor.system("review"), claim, lease=lease)
            late = True
            yield None
        label = str(self._uuid())
        said = {"task": task, "reviewer": person, "verdict": self.chance.choice(["correct", "incorrect", "unsure"])}
        self.write(
            "label.submitted", Actor.user(person), claim,
            label=label, lease=lease, late=late or self.now > expires, purpose="review", **said,
        )  # fmt: skip
        yield None
        while self.chance.random() < 0.2:
            changed = str(self._uuid())
            said["verdict"] = self.chance.choice(["correct", "incorrect"])
            self.write("label.amended", Actor.user(person), claim, label=changed, supersedes=label, **said)
            label = changed
            yield None
        return label

    def _settle(self, claim: UUID, slug: str, before: str | None, *, label: str | None, basis: str) -> str:
        who = Actor.system("review")
        if before is not None:
            self.write("outcome.superseded", who, claim, outcome=before, pipeline=slug, reason="relabelled")
        outcome, correct = str(self._uuid()), self.chance.choice([True, True, False, None])
        self.write(
            "outcome.final", who, claim, outcome=outcome, label=label, correct=correct, basis=basis, pipeline=slug
        )
        return outcome


def band_name(band: dict[str, Any]) -> str:
    """As the product writes them, with two decimals at least."""
    texts = []
    for edge in (band["low"], band["high"]):
        whole, decimals = f"{edge:.8f}".split(".")
        texts.append(f"{whole}.{decimals.rstrip('0').ljust(2, '0')}")
    return "-".join(texts)


# --- exports of a history -------------------------------------------------------------------------------------------

OLD, NEW, SECOND = (
    SigningKey(name, bytes([number]) * 32) for name, number in (("tests", 1), ("tests", 2), ("tests/second", 3))
)


@dataclass
class Ledger:
    """The leaves of a history, and the notes that were signed over them."""

    history: History
    leaves: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    _ends: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.grow()

    def grow(self) -> None:
        """Takes up what was played since."""
        ends, known = self._ends, len(self.leaves)
        for number, (at, entry) in enumerate(self.history.entries[known:], start=known):
            body: dict[str, Any] = body_of(entry)
            claim = body.get("claim")
            if claim is not None:
                seq, before = ends.get(claim, (0, None))
                body |= {"claim_seq": seq + 1, "claim_prev": before}
            leaf = rfc8785.dumps({"body": body, "id": str(UUID(int=number)), "recorded_us": at, "v": 1})
            if claim is not None:
                ends[claim] = seq + 1, sha256(b"\0" + leaf).hexdigest()
            self.leaves.append(leaf)
            self.hashes.append(sha256(b"\0" + leaf).digest())

    def node(self, level: int, index: int) -> bytes:
        return perfect_root(self.hashes[index << level : (index + 1) << level])

    def origin_at(self, size: int) -> str:
        restarted = self.history.restarted_at
        return "tests" if restarted is None or size <= restarted else "tests/second"

    def keys_at(self, size: int) -> list[SigningKey]:
        """The new key signs alone from forty leaves behind the rotation on."""
        rotated = self.history.rotated_at
        if self.origin_at(size) != "tests":
            return [SECOND]
        if rotated is None or size < rotated:
            return [OLD]
        return [OLD, NEW] if size < rotated + 40 else [NEW]

    def note(self, size: int) -> str:
        root = root_of(self.hashes[:size])
        return sign_note(TreeHead(self.origin_at(size), size, root).text(), self.keys_at(size))

    def sizes(self, *, beyond: int = -1) -> list[int]:
        """Of the checkpoints under the present name."""
        present = self.origin_at(len(self.leaves))
        return [size for size in self.history.sizes or [0] if size > beyond and self.origin_at(size) == present]


@dataclass
class Export:
    """What of a ledger is exported, and `gaps`, what the verifier has to say that it lacks."""

    ledger: Ledger
    first: int
    size: int
    unsealed: int = 0
    until: str | None = None
    with_payloads: bool = False
    without_policy: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def entries(self) -> list[tuple[int, Entry]]:
        return list(enumerate(entry for _, entry in self.ledger.history.entries))[self.first : self.size]

    def write(self, folder: Path, chance: random.Random) -> Path:
        folder.mkdir()
        history, ledger = self.ledger.history, self.ledger
        sizes = [size for size in ledger.sizes(beyond=self.first) if size < self.size and chance.random() < 0.7]
        cuts = sorted({self.first, *(chance.randint(self.first, self.size) for _ in range(chance.randrange(3)))})
        written = {
            f"entries-{number:04}.jsonl": b"".join(leaf + b"\n" for leaf in ledger.leaves[start:end])
            for number, (start, end) in enumerate(zip(cuts, [*cuts[1:], self.size], strict=True))
        }
        written["checkpoints.txt"] = "\n\n".join(ledger.note(size) for size in [*sizes, self.size]).encode()
        documents = [text for hash_, text in history.policies.items() if hash_ != self.without_policy]
        written["policies.jsonl"] = b"".join(rfc8785.dumps(document) + b"\n" for document in documents)
        if self.with_payloads:
            written["payloads-0000.jsonl"] = "".join(self._payloads()).encode()
        written |= self.files
        for name, content in written.items():
            (folder / name).write_bytes(content)
        manifest = {
            "format": EXPORT_FORMAT,
            "origin": ledger.origin_at(self.size),
            "first": self.first,
            "size": self.size,
            "edge": [ledger.node(level, index).hex() for level, index in perfect_nodes(0, self.first)],
            "unsealed": self.unsealed,
            "until": self.until,
            "files": [{"name": name, "sha256": sha256(content).hexdigest()} for name, content in written.items()],
        }
        (folder / "MANIFEST.json").write_text(json.dumps(manifest))
        return folder

    def _payloads(self) -> Iterator[str]:
        for claim in self._decided():
            if claim not in self.ledger.history.erased_at:
                salt, text = self.ledger.history.payloads[claim]
                yield json.dumps({"claim": claim, "salt": salt, "text": text}, ensure_ascii=False) + "\n"

    def _decided(self) -> list[str]:
        return [str(entry.claim) for _, entry in self.entries if entry.event == "claim.decided"]

    def gaps(self) -> list[str]:
        found = [f"leaves 0 to {self.first - 1} are not part of the export"] if self.first else []
        found += [f"{self.unsealed} events were not sealed yet"] if self.unsealed else []
        if self.with_payloads:
            for claim in self._decided():
                erased = self.ledger.history.erased_at.get(claim)
                if erased is not None and erased < self.size:
                    found.append(f"payload of claim {claim} erased by event at leaf {erased}")
                elif erased is not None:
                    found.append(f"payload of claim {claim} is not in the export")
        routed = ("claim.decided", "claim.rerouted")
        hashes = [entry.fields.get("policy_hash") for _, entry in self.entries if entry.event in routed]
        if self.without_policy is not None and self.without_policy in hashes:
            count = hashes.count(self.without_policy)
            found.append(f"the text of the policy behind {count} decisions is not in the export (R6)")
        return sorted(found)


def with_report(ledger: Ledger, chance: random.Random) -> Export:
    """Of a report over some leaves, whose entry came later and is sealed, as its bundle is."""
    history = ledger.history
    size = chance.choice(ledger.sizes())
    first = chance.choice([0, chance.randrange(size)])
    slug = chance.choice([None, *PIPELINES])
    figures = Figures()
    lives: dict[str, list[dict[str, Any]]] = {}
    for leaf in ledger.leaves[first:size]:
        body = json.loads(leaf)["body"]
        if body.get("claim") is None:
            figures.event(body)
        else:
            lives.setdefault(body["claim"], []).append(body)
    for bodies in lives.values():
        if bodies[0]["event"] == "claim.decided":
            figures.claim((body["event"], facts_of(body)) for body in bodies)
    root = root_of(ledger.hashes[:size])
    report = {
        "format": REPORT_FORMAT, "report": str(UUID(int=7)), "pipeline": slug, "first": first, "unsealed": 0,
        "checkpoint": {"size": size, "root": root.hex(), "note": ledger.note(size)},
        "ledger_figures": figures.as_dict(slug), "sections": [{"name": "accuracy", "says": ["É 0.93"]}],
    }  # fmt: skip
    text = json.dumps(report, ensure_ascii=False).encode()
    index = len(history.entries)
    history.write(
        "export.created", Actor.system("reports"),
        format="report", export=UUID(int=7), pipeline=slug, leaf_from=first, leaf_to=size - 1, tree_size=size,
        manifest_hash=sha256(text).hexdigest(),
    )  # fmt: skip
    for number in range(chance.randrange(5)):
        history.write("config.changed", Actor.system("x"), changed=[str(number)])
    history.sizes.append(len(history.entries))
    ledger.grow()
    end = len(ledger.leaves)
    proof = {
        "format": REPORT_PROOF_FORMAT, "leaf": ledger.leaves[index].decode(), "index": index,
        "checkpoint": ledger.note(end),
        "proof": [each.hex() for each in inclusion_proof(ledger.node, index, end)],
        "consistency": [each.hex() for each in consistency_proof(ledger.node, size, end)],
    }  # fmt: skip
    files = {"report.json": text, "report-proof.json": json.dumps(proof).encode()}
    return Export(ledger, first, size, until="2026-12-01T00:00:00+00:00", files=files)
