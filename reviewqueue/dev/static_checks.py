"""Style and types: each tool runs if pyproject.toml configures it. (The direction of imports is a test.)"""

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

TOOLS = {
    "ruff check": ("ruff", ["-m", "ruff", "check", "--quiet"]),
    "ruff format": ("ruff", ["-m", "ruff", "format", "--check", "--quiet"]),
    "mypy": ("mypy", ["-m", "mypy", "--no-error-summary"]),
}


def run(root: Path, environment: Mapping[str, str]) -> dict[str, bool]:
    """Runs the configured tools, prints what they find, and says which passed."""
    configured = tomllib.loads((root / "pyproject.toml").read_text()).get("tool", {})
    return {
        name: _passes(root, environment, name, command)
        for name, (table, command) in TOOLS.items()
        if table in configured
    }


def _passes(root: Path, environment: Mapping[str, str], name: str, command: list[str]) -> bool:
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(f"{name}:\n{done.stdout}{done.stderr}", flush=True)
    return done.returncode == 0
