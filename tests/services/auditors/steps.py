"""What auditors do in tests."""

from __future__ import annotations

from reviewqueue.accounts.models import User
from reviewqueue.auditors.models import Pin
from reviewqueue.auditors.services import pin_checkpoint
from reviewqueue.ledger.selectors import latest_checkpoint


def newest_note() -> str:
    checkpoint = latest_checkpoint()
    assert checkpoint is not None
    return checkpoint.note


def keep_newest(holder: User, *, remark: str = "") -> Pin:
    return pin_checkpoint(holder=holder, note=newest_note(), remark=remark)
