"""Chromium for the end-to-end tests."""

import os
import shutil

from reviewqueue.dev import bootstrap

NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(Exception):
    """There is no Chromium; the message is one sentence for the person at the terminal."""


def ensure_chromium() -> None:
    """Returns once a Chromium is on the PATH; as root on Debian it installs one."""
    if _present():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoBrowser(
            "The end-to-end tests need Chromium (on Debian `sudo apt install chromium`); "
            "`python3 manage.py test unit` runs without it."
        )
    try:
        bootstrap.install_debian_packages("chromium")
    except bootstrap.CannotPrepare as reason:
        raise NoBrowser(str(reason)) from None


def _present() -> bool:
    return any(shutil.which(name) for name in NAMES)
