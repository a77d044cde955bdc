"""Makes the virtual environment the project runs in. Standard library only: it runs before anything is installed.

The environment is `.venv`, filled from the locked requirement files. A stamp named after the hash of those files says
that an installation ended well, so that a changed lock installs again and an interrupted one starts afresh.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

OLDEST_PYTHON = (3, 11)
UV = "uv==0.13.9"
RUNTIME_MODULES = ("django", "celery", "granian", "psycopg", "sklearn")
DEVELOPMENT_MODULES = ("pytest", "pytest_django", "xdist", "hypothesis", "playwright")


class CannotPrepare(Exception):
    """The environment cannot be made; the message is one sentence for the person at the terminal."""


def ensure_environment(root: Path, *, development: bool = False) -> None:
    """Returns in an interpreter that has the requirements; re-executes the command in `.venv` if this one has not."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise CannotPrepare(f"Review Queue needs Python {wanted} or newer; this is {sys.version.split()[0]}.")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    environment = root / ".venv"
    inside = Path(sys.prefix).resolve() == environment.resolve()
    if not inside and _has_modules(development=development):
        return
    files = requirement_files(root, development=development)
    stamp = environment / f"installed-{fingerprint(files)}"
    if inside and not find_spec("django"):
        # A new minor version of Python took the environment's interpreter over; what was installed is out of its sight.
        stamp.unlink(missing_ok=True)
    if not stamp.exists():
        _install(root, environment, files=files, stamp=stamp)
    elif inside:
        return
    interpreter = str(environment / "bin" / "python")
    os.execv(interpreter, [interpreter, str(root / "manage.py"), *sys.argv[1:]])


def requirement_files(root: Path, *, development: bool) -> list[Path]:
    runtime = root / "requirements.txt"
    return [runtime, root / "tests" / "requirements.txt"] if development else [runtime]


def fingerprint(files: Sequence[Path]) -> str:
    """A short name for the exact content of these requirement files, in this order."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _has_modules(*, development: bool) -> bool:
    wanted = RUNTIME_MODULES + (DEVELOPMENT_MODULES if development else ())
    return all(find_spec(name) for name in wanted)


def _install(root: Path, environment: Path, *, files: Sequence[Path], stamp: Path) -> None:
    started = time.monotonic()
    with _one_at_a_time(root):
        if stamp.exists():
            return
        unfinished = environment / "unfinished"
        if unfinished.exists() or not _answers(environment, "import pip"):
            _create(environment)
        _say("Installing the requirements into .venv")
        unfinished.touch()
        for outdated in environment.glob("installed-*"):
            outdated.unlink()
        _install_requirements(root, environment, files)
        for count in range(1, len(files) + 1):
            (environment / f"installed-{fingerprint(files[:count])}").touch()
        unfinished.unlink()
    _say(f"Requirements installed in {time.monotonic() - started:.0f} s")


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _answers(environment: Path, statement: str) -> bool:
    interpreter = environment / "bin" / "python"
    command = [str(interpreter), "-c", statement]
    return interpreter.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _create(environment: Path) -> None:
    _require_venv_module()
    _say("Creating the virtual environment .venv")
    base = getattr(sys, "_base_executable", None) or sys.executable
    _run([base, "-m", "venv", "--clear", str(environment)], else_say="The virtual environment .venv cannot be created")


def _require_venv_module() -> None:
    if find_spec("venv") and find_spec("ensurepip"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise CannotPrepare("Python's venv module is missing; on Debian `apt install python3-venv` installs it.")
    install_debian_packages("python3-venv")


def install_debian_packages(*packages: str) -> None:
    """Installs Debian packages; the caller has made sure that this is root on a machine with apt-get."""
    _say(f"Installing the Debian package {', '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    failure = f"The Debian package {', '.join(packages)} cannot be installed"
    _run(["apt-get", "update", "-qq"], environment, else_say=failure)
    _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], environment, else_say=failure)


def _install_requirements(root: Path, environment: Path, files: Sequence[Path]) -> None:
    interpreter = str(environment / "bin" / "python")
    variables = installer_variables(root)
    arguments = [argument for file in files for argument in ("-r", str(file))]
    pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    uv = [interpreter, "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", interpreter]
    with contextlib.suppress(CannotPrepare):
        _run([*pip, UV], variables, else_say="uv cannot be installed")
        _run([*uv, *arguments], variables, else_say="uv cannot install the requirements")
        return
    _say("The fast installer did not work; using pip, which takes about three times as long")
    _run([*pip, *arguments], variables, else_say="The requirements cannot be installed")


def installer_variables(root: Path) -> dict[str, str]:
    """The environment for installers: their caches go under `.local` when the home directory cannot hold them."""
    home = os.environ.get("HOME", "")
    if home and os.access(home, os.W_OK | os.X_OK):
        return dict(os.environ)
    local = Path(os.environ.get("REVIEWQUEUE_LOCAL") or root / ".local")
    cache = local / "cache"
    local.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    return {**os.environ, "HOME": str(cache), "UV_CACHE_DIR": str(cache / "uv"), "PIP_CACHE_DIR": str(cache / "pip")}


def _run(command: Sequence[str], environment: dict[str, str] | None = None, *, else_say: str) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        last_words = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise CannotPrepare(f"{else_say}:\n{last_words}")


def _say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)
