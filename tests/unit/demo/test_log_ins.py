"""Where the demo writes what opens it."""

import re
import stat
from pathlib import Path

from reviewqueue.dev.demo import facts
from reviewqueue.dev.demo.facts import Facts, LogIn
from reviewqueue.dev.demo.passwords import new_password

FACTS = Facts(
    url="http://127.0.0.1:8000",
    keys={"intake": "hrq_live_abc"},
    users={"admin": LogIn(password="batiro-seluma-novike", roles=["admin"])},
)


def test_the_file_is_private_and_reads_back_the_same(tmp_path: Path) -> None:
    facts.write(tmp_path, FACTS)
    assert facts.read(tmp_path) == FACTS
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["demo.json"]


def test_a_missing_or_spoiled_file_counts_as_none(tmp_path: Path) -> None:
    assert facts.read(tmp_path) is None
    for spoiled in ("", "[]", '{"address": 1}'):
        (tmp_path / "demo.json").write_text(spoiled)
        assert facts.read(tmp_path) is None


def test_passwords_can_be_read_aloud_and_never_repeat() -> None:
    drawn = {new_password() for _ in range(1_000)}
    assert len(drawn) == 1_000
    assert all(re.fullmatch(r"[a-z]{6}-[a-z]{6}-[a-z]{6}", password) for password in drawn)
