"""The life of policy versions: one module per step, all of them reachable from here."""

from reviewqueue.policy.services.activating import activate, approve_and_activate
from reviewqueue.policy.services.approving import AdministratorsDecide, approve, reject, retire
from reviewqueue.policy.services.audit_rates import set_audit_rates
from reviewqueue.policy.services.band_states import set_band_state
from reviewqueue.policy.services.breakers import (
    RESET_REASONS,
    TRIP_REASONS,
    BreakerNotOpen,
    reset_breaker,
    stop_automation,
    trip_breaker,
)
from reviewqueue.policy.services.epochs import turn_epochs
from reviewqueue.policy.services.held import FourEyes, PolicyMovedOn, PolicyNotInState, PolicyOutdated
from reviewqueue.policy.services.one_person import (
    OnePersonNotInState,
    allow_one_person_approval,
    end_one_person_approval,
)
from reviewqueue.policy.services.proposing import checked, propose, propose_within, withdraw
from reviewqueue.policy.services.shadow import ShadowTaken, start_shadow, stop_shadow

__all__ = [
    "RESET_REASONS",
    "TRIP_REASONS",
    "AdministratorsDecide",
    "BreakerNotOpen",
    "FourEyes",
    "OnePersonNotInState",
    "PolicyMovedOn",
    "PolicyNotInState",
    "PolicyOutdated",
    "ShadowTaken",
    "activate",
    "allow_one_person_approval",
    "approve",
    "approve_and_activate",
    "checked",
    "end_one_person_approval",
    "propose",
    "propose_within",
    "reject",
    "reset_breaker",
    "retire",
    "set_audit_rates",
    "set_band_state",
    "start_shadow",
    "stop_automation",
    "stop_shadow",
    "trip_breaker",
    "turn_epochs",
    "withdraw",
]
