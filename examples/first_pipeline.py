"""From an empty instance to the first claim: people, an upstream system with its key, a pipeline and its first policy.

    python3 manage.py shell < examples/first_pipeline.py

Change the names and the rules first. Everything goes through the services, so all of it is in the ledger; the
passwords and the key are printed once and stored nowhere in the clear.
"""

import secrets

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Scope, User
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Role
from reviewqueue.policy import services as policies

SETUP = Actor.system("setup")
POLICY = {
    "schema": 1,
    # Claims from 0.9 on may be accepted, once the band is measured to be right nine times in ten.
    "bands": [
        {"low": 0.0, "high": 0.9, "route": "review"},
        {"low": 0.9, "high": 1.0, "route": "accept", "required_accuracy": 0.9, "audit_rate": 0.5},
    ],
    "mandatory": {"categories": ["refunds"], "segments": {}, "route": "review"},
    "sampling": {"epoch": "2026-1"},
}


def person(name):
    password = secrets.token_urlsafe(15)
    print(f"{name:<10} {password}")
    return User.objects.create_user(name, password=password)


olga, otto, rita = (person(name) for name in ("olga", "otto", "rita"))
helpdesk = accounts.create_source(slug="helpdesk", name="Helpdesk", actor=SETUP)
_, key = accounts.issue_key(holder=helpdesk, name="helpdesk", scopes=[Scope.INTAKE, Scope.READ], actor=SETUP)
print(f"{'key':<10} {key}")

pipeline = pipelines.create_pipeline(
    slug="support-answers",
    name="Support answers",
    question="Is this answer right?",
    owner=olga,
    deputy=otto,
    categories=["general", "refunds"],
    segment_values={"language": ["en", "de"]},
    sources=[helpdesk],
    actor=SETUP,
)
pipelines.grant(user=rita, role=Role.REVIEWER, pipeline=pipeline, actor=SETUP)
# Four eyes: whoever proposes a policy cannot approve it.
draft = policies.propose(pipeline=pipeline, document=POLICY, proposer=olga)
policies.approve_and_activate(version=draft, approver=otto)
