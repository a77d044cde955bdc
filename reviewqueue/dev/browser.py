"""Chromium for the end-to-end tests, and openssl, which plays the time-stamping authority in one of them."""

import os
import shutil

from reviewqueue.dev import bootstrap

NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(Exception):
    """There is no Chromium; the message is one sentence for the person at the terminal."""


def ensure_chromium() -> None:
    """Returns once a Chromium and openssl are on the PATH; as root on Debian it installs them."""
    if _present() and shutil.which("openssl"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoBrowser(
            "The tests need Chromium and openssl (on Debian `sudo apt install chromium openssl`); "
            "`python3 manage.py test unit` runs without it."
        )
    try:
        bootstrap.install_debian_packages("chromium", "openssl")
    except bootstrap.CannotPrepare as reason:
        raise NoBrowser(str(reason)) from None


def _present() -> bool:
    return any(shutil.which(name) for name in NAMES)
