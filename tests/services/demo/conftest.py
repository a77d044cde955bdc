from collections.abc import Iterator

import pytest
from django.test import override_settings

from reviewqueue.dev.demo import golden


@pytest.fixture(autouse=True)
def small_golden_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "ITEMS", 12)


@pytest.fixture(autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hashing that is slow on purpose would be most of these tests' time."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield
