"""From key press to the next task painted, in Chromium: `python -m tests.benchmarks.next_task URL USER PASSWORD`.

Labels tasks of the demo (`manage.py up`) with keys alone. Tasks with the next one fetched ahead and without take turns,
so that what disturbs one disturbs the other.
"""

from __future__ import annotations

import argparse
import sys
from statistics import median, quantiles
from typing import Final

from playwright.sync_api import Page, Route

from tests.chromium import chromium, signed_in

PATIENCE_MS: Final = 20_000

# Painted: the frame after the one in which the next task stands in the page and has the focus.
WATCH: Final = """() => {
    const before = document.querySelector("#page .task").dataset.lease;
    window.painted = new Promise((resolve) => {
        document.addEventListener("keydown", (event) => {
            const look = () => {
                const task = document.querySelector("#page .task");
                const there = task && task.dataset.lease !== before && task.contains(document.activeElement);
                if (!there) return requestAnimationFrame(look);
                const channel = new MessageChannel();
                channel.port1.onmessage = () => resolve(performance.now() - event.timeStamp);
                requestAnimationFrame(() => channel.port2.postMessage(0));
            };
            requestAnimationFrame(look);
        }, { capture: true, once: true });
    });
}"""
SAVED: Final = """() => document.querySelector("#page #lease")?.dataset.seconds
    && !document.querySelector("main + div[hidden]")"""
FETCHED: Final = "() => document.querySelector('#page [data-next-is=ready]')"


def read(page: Page) -> None:
    """What was saved last is saved, and somebody looks at the task."""
    page.wait_for_function(SAVED, timeout=PATIENCE_MS)
    page.wait_for_timeout(400)


def milliseconds_to_next(page: Page) -> float:
    page.keyboard.press("1")
    page.evaluate(WATCH)
    page.keyboard.press("Enter")
    return float(page.evaluate("window.painted"))


def measure(page: Page, tasks: int) -> tuple[list[float], list[float]]:
    """Milliseconds with the next task fetched ahead, and without."""
    ahead, plain = [], []
    blocked = False

    def answer(route: Route) -> None:
        route.abort() if blocked else route.fallback()

    page.route("**/ready/", answer)
    for _ in range(tasks):
        read(page)
        page.wait_for_function(FETCHED, timeout=PATIENCE_MS)
        blocked = True  # from the next page on
        ahead.append(milliseconds_to_next(page))
        read(page)
        blocked = False
        plain.append(milliseconds_to_next(page))
    return ahead, plain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("--tasks", type=int, default=50, help="with and without each")
    chosen = parser.parse_args()
    with chromium() as browser:
        page = signed_in(browser, chosen.url, username=chosen.user, password=chosen.password)
        page.goto(f"{chosen.url}/queue/")
        page.get_by_role("button", name="Start reviewing").press("Enter")
        page.wait_for_url("**/review/**")
        ahead, plain = measure(page, chosen.tasks)
    for name, took in (("fetched ahead", ahead), ("without", plain)):
        p95 = quantiles(took, n=20)[-1]
        sys.stdout.write(f"{name}: median {median(took):.0f} ms, p95 {p95:.0f} ms, {len(took)} tasks\n")


if __name__ == "__main__":
    main()
