"""A receiver of Review Queue's webhooks, with nothing but the standard library: copy it, or read it as documentation.

    WEBHOOK_SECRET=whsec_… python3 receive_webhooks.py --port 8443 --certificate chain.pem --key key.pem

Without a certificate it speaks plain http, for a place behind a proxy that does not. What it takes care of:
* Nobody else can post. The signature over id, time and body is checked with the secret, in constant time, before
  anything is read into the body; a message that is more than five minutes old could be a recording, and is refused.
  Two secrets, separated by a space, are both good: that is a rotation.
* Nothing is done twice. A delivery may arrive again (its answer was lost, or somebody pressed replay): the id is the
  same, so it is answered with success and left alone.
* It says that it wants to be told. The first message to an address is a challenge, and nothing else comes before the
  answer repeats it.
* The newest truth wins. Deliveries may arrive out of order: the outcomes of one claim are numbered, and a lower number
  than the one already known is history.
* The answer comes at once. Anything but a 2xx within 20 seconds is tried again, so slow work belongs after the answer.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

TOLERANCE_SECONDS = 300
MOST_BYTES = 1024 * 1024

Event = dict[str, Any]


class Rejected(Exception):
    """Not from the Review Queue, or not fresh."""


def verified(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: float) -> Event:
    """The event in `body`, if one of the secrets signed it just now. Raises Rejected."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise Rejected("no id or no timestamp")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise Rejected("too old, or from the future")
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = [_signature(secret, signed) for secret in secrets]
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in given):
        raise Rejected("no signature that fits")
    event: Event = json.loads(body)
    return event


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class Inbox:
    """What has arrived. Yours would keep both in its database, in the transaction of the work itself."""

    def __init__(self, act: Callable[[Event], None]) -> None:
        self._act = act
        self._seen: set[str] = set()
        self._newest: dict[str, int] = {}
        self._lock = Lock()

    def take(self, message_id: str, event: Event) -> str:
        """What became of it: "new", "repeated", or "outdated"."""
        with self._lock:
            if message_id in self._seen:
                return "repeated"
            outdated = self._is_outdated(event)
            if not outdated:
                self._act(event)  # when this fails, nothing is noted, and the delivery comes again
                self._note(event)
            self._seen.add(message_id)
            return "outdated" if outdated else "new"

    def _is_outdated(self, event: Event) -> bool:
        """Only outcomes replace each other; everything else happened once and is no longer changed."""
        data = event["data"]
        return event["type"].startswith("outcome.") and data["number"] < self._newest.get(data["claim"], 0)

    def _note(self, event: Event) -> None:
        if event["type"].startswith("outcome."):
            self._newest[event["data"]["claim"]] = event["data"]["number"]


def receiver(secrets: Sequence[str], inbox: Inbox, *, port: int, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """A server that is not running yet: call `serve_forever`."""

    class Receiver(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MOST_BYTES:
                self._answer(413)
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                event = verified(secrets, headers, self.rfile.read(int(length)), now=time.time())
            except Rejected:
                self._answer(401)
                return
            if event["type"] == "endpoint.challenge":
                self._answer(200, json.dumps({"challenge": event["data"]["challenge"]}).encode())
                return
            inbox.take(headers["webhook-id"], event)
            self._answer(204)

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The events are what is worth a line."""

    return ThreadingHTTPServer((host, port), Receiver)


def show(event: Event) -> None:
    print(f"{event['type']}: {described(event)}")


def described(event: Event) -> str:
    data = event["data"]
    match event["type"]:
        case "outcome.settled" | "outcome.superseded":
            verdict = {True: "right", False: "wrong", None: "undecided"}[data["correct"]]
            return f"{data['external_id']} was {verdict} (outcome {data['number']} of claim {data['claim']})"
        case "step.expired":
            return f"nobody answered the next step of {data['external_id']}: {data['route']} now"
        case "band.breached":
            return f"{data['model']} no longer keeps its promise in band {data['band']} of {data['pipeline']}"
        case "breaker.tripped":
            return f"{data['model']} goes to people in all of {data['pipeline']}"
        case "golden.overdue":
            return f"{data['model']} is due to be measured by the golden set {data['golden_set']} of {data['pipeline']}"
        case "golden.worse_than_promised":
            bands = ", ".join(data["worse_bands"])
            return f"{data['model']} did worse in a golden run of {data['pipeline']} than promised for {bands}"
        case _:
            return json.dumps(data)  # kinds may be added: one that is not known is no mistake


def main() -> None:
    options = argparse.ArgumentParser(description="Receives webhooks of a Review Queue and prints them.")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8443)
    options.add_argument("--certificate", help="certificate chain, PEM")
    options.add_argument("--key", help="its private key, PEM")
    chosen = options.parse_args()
    secrets = os.environ.get("WEBHOOK_SECRET", "").split()
    if not secrets:
        options.error("WEBHOOK_SECRET holds the whsec_ secret that was shown when the endpoint was registered")
    server = receiver(secrets, Inbox(show), host=chosen.host, port=chosen.port)
    if chosen.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chosen.certificate, chosen.key)
        # Handshakes are the business of each connection's thread, or one slow caller would hold up all.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"Waiting for webhooks on {chosen.host}:{server.server_address[1]}")
    server.serve_forever()


if __name__ == "__main__":
    main()
