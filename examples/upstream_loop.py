"""What an upstream system does with Review Queue: ask its model, post the answer as a claim, act on the decision.

    python3 examples/upstream_loop.py            (beside a running demo; the address and the key come from its file)

The model here is a toy that says whether one number divides another. It knows the schoolbook rules for 2, 3, 5 and 9
and guesses for the rest, and it is sure of itself either way. Nobody has measured it yet, so everything it says is
held for a person: the reason `band_unvalidated`. Label some of its claims in the browser and see them settle here.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from client import Conflict, Json, Refused, ReviewQueue, Unreachable

LOCAL = Path(os.environ.get("REVIEWQUEUE_LOCAL") or Path(__file__).resolve().parent.parent / ".local")
QUESTIONS = [(7_401, 3), (86_420, 5), (1_234_567, 7), (98_765, 2), (45_000_009, 9), (8_051, 11)]
MODEL = {"model": "toy-divider", "model_version": "2026-11-22", "prompt_version": "plain"}


def ask_model(number: int, divisor: int) -> tuple[str, float]:
    """The answer and how sure the model is of it."""
    digits = [int(digit) for digit in str(number)]
    if divisor in (2, 5):
        return ("true" if digits[-1] % divisor == 0 else "false"), 0.97
    if divisor in (3, 9):
        return ("true" if sum(digits) % divisor == 0 else "false"), 0.95
    return ("true" if divisor in digits else "false"), 0.9


def claim_about(number: int, divisor: int) -> Json:
    """The external_id names the question and the model that answered, so that a restart posts nothing twice."""
    answer, confidence = ask_model(number, divisor)
    return {
        **MODEL,
        "pipeline": "yes-no-answers",
        "external_id": f"{MODEL['model']}-{MODEL['model_version']}/{number}-by-{divisor}",
        "category": "general",
        "segments": {"answer": "yes" if answer == "true" else "no"},
        "input": f"Is {number} divisible by {divisor}?",
        "output": answer,
        "confidence": confidence,
        "elicitation": "verbalized_after",
    }


def act(claim: Json, answered: Json) -> bool:
    """What the decision means for the one who asked. True when the answer may go out at once."""
    decision = answered["decision"]
    if decision["route"] in ("accept", "accept_flagged"):
        print(f"{claim['input']} {claim['output']} – sent to the customer")
        return True
    if decision["route"] == "reject":
        print(f"{claim['input']} – we say that we do not know")
        return True
    print(f"{claim['input']} {claim['output']} – waits for a person ({', '.join(decision['reasons'])})")
    return False


def report_settled(queue: ReviewQueue, waiting: dict[str, Json], *, seconds: float) -> None:
    """Looks every few seconds what became of the claims that wait."""
    until = time.monotonic() + seconds
    while waiting and time.monotonic() < until:
        time.sleep(3)
        for claim_id, claim in list(waiting.items()):
            outcome = queue.claim(claim_id)["outcome"]
            if outcome is not None:
                print(f"{claim['input']} {claim['output']} – settled: {'right' if outcome['correct'] else 'wrong'}")
                del waiting[claim_id]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wait", type=float, default=60, help="seconds to wait for people's answers (default 60)")
    options = parser.parse_args()
    facts = json.loads((LOCAL / "demo.json").read_text())
    queue = ReviewQueue(facts["url"], facts["keys"]["intake"])
    waiting = {}
    for number, divisor in QUESTIONS:
        claim = claim_about(number, divisor)
        try:
            answered = queue.post_claim(claim)
        except Conflict as conflict:
            print(f"{claim['input']} – the model answered otherwise before: {conflict}")
        except (Refused, Unreachable) as problem:
            print(f"{claim['input']} – goes to our own people: {problem}")
        else:
            if not act(claim, answered):
                waiting[answered["id"]] = claim
    report_settled(queue, waiting, seconds=options.wait)


if __name__ == "__main__":
    main()
