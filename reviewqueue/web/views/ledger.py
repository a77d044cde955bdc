"""The append-only ledger, to be searched and read."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import HttpResponse

from reviewqueue.auditors.entry_proof import proof_of_entry
from reviewqueue.auditors.searching import found_entries, found_in_turn
from reviewqueue.ledger import selectors
from reviewqueue.ledger.bundle import tlog_proof
from reviewqueue.web.access import page
from reviewqueue.web.audit_forms import LedgerSearch
from reviewqueue.web.entry_rows import FILES, MOST_ROWS, as_file
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import LEDGER_ROLES, require_role

PAGE_SIZE: Final = 50
NOT_YOURS: Final = "The ledger is for auditors and admins."


@page
def ledger(request: PersonRequest) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    form = LedgerSearch(request.GET)
    if form.is_valid() and request.GET.get("as") in FILES:
        rows = found_in_turn(form.wanted(), most=MOST_ROWS)
        return as_file(rows, kind=request.GET["as"])
    found = found_entries(form.wanted(), before=form.before(), limit=PAGE_SIZE) if form.is_valid() else None
    context = {
        "form": form,
        "entries": found.entries if found else [],
        "older": form.address(older_than=found.next) if found and found.next else None,
        "newest": form.address() if form.is_valid() and form.before() else None,
        "people": form.who.people if form.is_valid() and form.who else [],
        "files": [(kind, form.address(**{"as": kind})) for kind in FILES] if found and found.entries else [],
        "most_rows": MOST_ROWS,
        "is_filtered": form.is_valid() and form.is_filtered(),
        "shows_more": form.uses_rare(),
        "checkpoint": selectors.latest_checkpoint(),
        "sealing": selectors.sealing_state(),
    }
    return show(request, "ledger/ledger.html", context)


@page
def entry(request: PersonRequest, index: int) -> HttpResponse:
    """One entry with the proof that it is in the ledger.

    `?as=leaf` is its text alone, `?as=tlog-proof` the proof in the form of c2sp.org/tlog-proof, `?as=json` all of it.
    """
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    found = selectors.entry_at(index)
    if request.GET.get("as") == "leaf":
        return _attached(found.leaf, f"leaf-{index}.json", "application/json")
    proven = proof_of_entry(found)
    if proven.proof and (file := _as_file(request.GET.get("as", ""), found, proven.proof)):
        return file
    last = selectors.latest_checkpoint()
    context = {
        "entry": found,
        "proof": proven.proof,
        "problems": proven.problems,
        "sealed_by": selectors.sealed_by([index]).get(index),
        "next_index": index + 1 if last and index + 1 < last.tree_size else None,
        "previous_index": index - 1 if index else None,
    }
    return show(request, "ledger/entry.html", context)


def _as_file(kind: str, entry: selectors.LedgerEntry, proof: selectors.InclusionProof) -> HttpResponse | None:
    if kind == "json":
        text = json.dumps(_proof_file(entry, proof), indent=1)
        return _attached(text, f"proof-{proof.index}.json", "application/json")
    if kind == "tlog-proof" and proof.note:
        return _attached(tlog_proof(proof), f"leaf-{proof.index}.tlog-proof", "text/plain; charset=utf-8")
    return None


def _proof_file(entry: selectors.LedgerEntry, proof: selectors.InclusionProof) -> dict[str, Any]:
    return {
        "index": proof.index,
        "size": proof.size,
        "leaf": entry.leaf,
        "leaf_hash": entry.leaf_hash.hex(),
        "proof": [each.hex() for each in proof.hashes],
        "root": proof.root.hex(),
        "checkpoint": proof.note,
    }


def _attached(text: str, name: str, content_type: str) -> HttpResponse:
    response = HttpResponse(text, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
