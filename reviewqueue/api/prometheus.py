"""The Prometheus text format, version 0.0.4. Pure; gauges are all we have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MEDIA_TYPE: Final = "text/plain"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Gauge:
    """`samples` are values with their labels; a gauge without samples says that there is nothing to measure."""

    name: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def gauge(name: str, text: str, value: float | None) -> Gauge:
    """One value without labels; None is no sample."""
    return Gauge(name, text, () if value is None else (({}, value),))


def exposition(gauges: Iterable[Gauge]) -> str:
    return "".join(f"{line}\n" for each in gauges for line in _lines(each))


def _lines(gauge: Gauge) -> list[str]:
    name = f"reviewqueue_{gauge.name}"
    samples = [f"{name}{_labels(labels)} {value:.17g}" for labels, value in gauge.samples]
    return [f"# HELP {name} {gauge.help}", f"# TYPE {name} gauge", *samples]


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
