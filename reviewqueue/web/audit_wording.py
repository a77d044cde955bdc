"""Words of the auditor's pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STANDINGS: Final = {
    "consistent": "Part of today's ledger",
    "other_history": "Not part of today's ledger: the history was changed",
    "gone": "The ledger has fewer entries now: some are gone",
    "lost": "Over entries that were lost before the ledger went on under another name",
    "other_ledger": "Of another ledger",
    "damaged": "Cannot be told: the stored tree is damaged",
}
COMPARISONS: Final = {
    "unreadable": "One of them is no signed checkpoint",
    "wrong_signature": "A signature is wrong",
    "two_logs": "They are of two different logs",
    "same": "They say the same",
    "one_history": "One history: the smaller is the beginning of the larger",
    "two_histories": "TWO HISTORIES",
    "gone": "The ledger has fewer entries than one of them: entries are gone",
    "lost": "One is over entries that were lost before the ledger went on under another name",
    "not_ours": "Of another log: only that log can prove more",
    "damaged": "Cannot be told: the stored tree is damaged",
}
RUN_STATES: Final = {
    "waiting": "Begins within ten seconds",
    "running": "Under way",
    "done": "Done",
    "failed": "Could not be carried out",
}
REPORT_STATES: Final = {
    "waiting": "Begins within ten seconds",
    "running": "Under way",
    "done": "Made",
    "failed": "Could not be made",
    "expired": "Not kept any more",
}
KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "pin": STANDINGS,
    "two_notes": COMPARISONS,
    "verification": RUN_STATES,
    "report": REPORT_STATES,
}
