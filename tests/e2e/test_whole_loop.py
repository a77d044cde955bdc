"""The main job, on the real processes and in a real browser: claim, label, figures, calibrator, draft, activation."""

from __future__ import annotations

import random
from collections.abc import Iterator
from threading import Barrier, Thread

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, expect

from calibration.models import BandStat
from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Scope, User
from reviewqueue.ledger.models import Event, Pending
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.review.models import Label, Lease
from tests.chromium import chromium, signed_in
from tests.running import RunningStack, wait_until
from tests.world import SETUP, World

PASSWORD = "correct horse battery staple"


@pytest.fixture
def stack(committed_world: World) -> Iterator[RunningStack]:
    with RunningStack() as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def with_password(user: User) -> User:
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return user


def log_in(browser: Browser, stack: RunningStack, user: User) -> Page:
    return signed_in(browser, stack.url, username=with_password(user).username, password=PASSWORD)


def measured_labels(world: World) -> int:
    connection.close()
    stats = BandStat.objects.filter(policy_version__pipeline=world.pipeline, segment="").exclude(band="")
    return sum(stats.filter(policy_version=world.policy).values_list("n_labelled", flat=True))


def label_everything(stack: RunningStack, key: str, truth: dict[str, bool]) -> None:
    """A reviewer who works through the queue over REST, answering from the known truth."""
    while True:
        status, taken = stack.call(key, "POST", "/reviews/take", {"pipeline": None, "purpose": None})
        if status == 204:
            return
        assert status == 200, taken
        verdict = "correct" if truth[taken["task"]["claim"]["external_id"]] else "incorrect"
        status, answer = stack.call(key, "POST", f"/leases/{taken['lease']['id']}/label", {"verdict": verdict})
        assert status == 201, answer


def post_claims(stack: RunningStack, world: World, count: int) -> dict[str, bool]:
    """Stated 0.95 is right 99 times in 100, stated 0.7 one time in 10. Returns the truth by external_id."""
    dice, truth = random.Random(7), {}
    for _ in range(count):
        confidence, chance = dice.choice([(0.95, 0.99), (0.95, 0.99), (0.95, 0.99), (0.7, 0.1)])
        body = world.claim_body(confidence=confidence)
        status, answer = stack.call(world.key, "POST", "/claims", body)
        assert status == 201, answer
        assert answer["decision"]["route"] == "review"
        assert answer["decision"]["reasons"][0] in {"band_unvalidated", "band"}
        truth[body["external_id"]] = dice.random() < chance
    return truth


def test_from_a_claim_to_the_next_one_that_is_routed_by_what_was_learned(
    stack: RunningStack, committed_world: World, browser: Browser
) -> None:
    world = committed_world
    _, rita_key = accounts.issue_key(holder=world.rita, name="rita", scopes=[Scope.REVIEW], actor=SETUP)

    # One claim, held because nothing has been measured; rita labels it with keys only.
    status, first = stack.call(world.key, "POST", "/claims", world.claim_body(confidence=0.99))
    assert (status, first["status"]) == (201, "in_review")
    page = log_in(browser, stack, world.rita)
    page.goto(f"{stack.url}/queue/")
    page.get_by_role("button", name="Start reviewing", exact=True).press("Enter")
    page.wait_for_url("**/review/**")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    wait_until(lambda: Label.objects.filter(claim_id=first["id"]).exists(), what="the label")
    _, seen = stack.call(world.key, "GET", f"/claims/{first['id']}")
    assert (seen["status"], seen["outcome"]["correct"]) == ("settled", True)
    assert wait_until(lambda: measured_labels(world) == 1, what="the figure", seconds=20) < 10

    # Labels come in; the sweeps measure, fit, judge, and write a draft.
    truth = post_claims(stack, world, 260)
    label_everything(stack, rita_key, truth)
    wait_until(lambda: PolicyVersion.objects.filter(status=PolicyStatus.DRAFT).exists(), what="the draft", seconds=60)
    wait_until(lambda: measured_labels(world) == 261, what="all the figures", seconds=20)
    draft = PolicyVersion.objects.filter(status=PolicyStatus.DRAFT).latest("number")
    wait_until(
        lambda: BandStat.objects.filter(policy_version=draft, band="0.90-1.00", state="validated").exists(),
        what="the certificate of the accepting band under the draft",
        seconds=20,
    )

    # An owner reads the draft and activates it.
    owner = log_in(browser, stack, world.olga)
    owner.goto(f"{stack.url}/pipelines/support-answers/policies/")
    owner.get_by_role("link", name=f"{draft.number}", exact=False).first.click()
    owner.goto(f"{stack.url}/pipelines/support-answers/policies/{draft.number}/")
    expect(owner.locator("main")).to_contain_text("calibration sweep")
    owner.get_by_role("button", name="Approve and activate").click()
    wait_until(
        lambda: PolicyVersion.objects.filter(pk=draft.pk, status=PolicyStatus.ACTIVE).exists(), what="activation"
    )

    # The next claim is routed by it; the mandatory category still is not.
    status, accepted = stack.call(world.key, "POST", "/claims", world.claim_body(confidence=0.95))
    assert (status, accepted["decision"]["route"]) == (201, "accept")
    assert accepted["decision"]["policy_version"] == draft.number
    assert accepted["decision"]["calibrator"] == draft.evidence["calibrator"]
    _, held = stack.call(world.key, "POST", "/claims", world.claim_body(confidence=1.0, category="refunds"))
    assert held["decision"]["reasons"][0] == "mandatory_category"
    _, unknown = stack.call(world.key, "POST", "/claims", world.claim_body(model_version="2027-01-01"))
    assert unknown["decision"]["reasons"][0] == "band_unvalidated"

    # Every step is in the ledger, sealed and verifiable.
    owner.goto(f"{stack.url}/pipelines/support-answers/bands/")
    expect(owner.locator("main")).to_contain_text("0.90")
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {
        "claim.decided", "task.opened", "lease.granted", "label.submitted", "outcome.final", "band.state_changed",
        "calibrator.fitted", "policy.proposed", "policy.approved", "policy.activated", "sample.epoch_committed",
    } <= kinds  # fmt: skip
    wait_until(lambda: not Pending.objects.exists(), what="sealing", seconds=20)
    stack.run_command("verify_ledger")


def test_two_browsers_race_for_one_task_and_one_gets_it(stack: RunningStack, committed_world: World) -> None:
    world = committed_world
    for name in ("rita", "ravi"):
        with_password(world.people[name])
    for _ in range(3):
        stack.call(world.key, "POST", "/claims", world.claim_body())
        barrier, addresses = Barrier(2), {}
        racers = [Thread(target=_race, args=(name, stack.url, barrier, addresses)) for name in ("rita", "ravi")]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join(60)
        taken = [name for name, address in addresses.items() if "/review/" in address]
        assert len(taken) == 1, addresses
        connection.close()
        assert Lease.objects.filter(ended_at__isnull=True).count() == 1
        Lease.objects.filter(ended_at__isnull=True).update(ended_at="2026-01-01T00:00:00Z", end_reason="released")


def _race(name: str, url: str, barrier: Barrier, addresses: dict[str, str]) -> None:
    """One reviewer in a browser of their own, pressing the button at the same moment as the other."""
    with chromium() as browser:
        page = signed_in(browser, url, username=name, password=PASSWORD)
        page.goto(f"{url}/queue/")
        barrier.wait(30)
        page.get_by_role("button", name="Start reviewing", exact=True).press("Enter")
        page.wait_for_load_state("networkidle")
        addresses[name] = page.url
