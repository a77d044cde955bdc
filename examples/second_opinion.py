"""A secondary handler: Review Queue asks it about claims that their own model is not sure of.

    HANDLER_SECRET=whsec_… python3 examples/second_opinion.py --port 8444

It speaks plain http, for a place behind a proxy that speaks https: that is the address to register (Pipeline → Second
opinion). What it takes care of:
* Only Review Queue is answered. Each request is signed as webhooks are, and checked by the same code.
* It says that it wants to be asked, by repeating the challenge that comes first.
* The same question gets the same answer. A call may be repeated when its answer was lost; whatever your model says the
  second time, the first answer is kept here by the id of the request.
* It never invents certainty. A model that fails is a 503: the question comes again, and in the end people answer it.

The model here is a toy that does arithmetic. Put yours into `ask_model`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from receive_webhooks import MOST_BYTES, Rejected, verified

Question = dict[str, Any]
Opinion = dict[str, Any]

MODEL = {"model": "toy-arithmetic", "model_version": "2026-11-24"}
_DIVIDES = re.compile(r"is (\d+) divisible by (\d+)", re.IGNORECASE)


def ask_model(question: Question) -> Opinion:
    """Answers to what it understands; for the rest it says how unsure it is, and people decide."""
    asked = _DIVIDES.search(str(question["input"]))
    if asked is None:
        return {**MODEL, "output": question["output"], "confidence": 0.5}
    number, divisor = int(asked[1]), int(asked[2])
    right = "true" if divisor and number % divisor == 0 else "false"
    return {**MODEL, "output": right, "confidence": 0.99, "signals": {"computed": 1.0}}


def handler(
    secrets: Sequence[str], model: Callable[[Question], Opinion], *, port: int, host: str = "127.0.0.1"
) -> ThreadingHTTPServer:
    """A server that is not running yet: call `serve_forever`."""
    answers: dict[str, bytes] = {}  # yours would be in a database

    class Handler(BaseHTTPRequestHandler):
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
            if event["type"] == "handler.challenge":
                self._answer(200, json.dumps({"challenge": event["data"]["challenge"]}).encode())
            else:
                self._answer_question(headers["webhook-id"], event["data"])

        def _answer_question(self, message_id: str, question: Question) -> None:
            if message_id not in answers:
                try:
                    answers[message_id] = json.dumps(model(question)).encode()
                except Exception as error:  # whatever a model does, the queue must hear of it
                    print(f"{question['external_id']}: the model failed: {error}")
                    self._answer(503)
                    return
            print(f"{question['external_id']}: {answers[message_id].decode()}")
            self._answer(200, answers[message_id])

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The questions are what is worth a line."""

    return ThreadingHTTPServer((host, port), Handler)


def main() -> None:
    options = argparse.ArgumentParser(description="Answers the questions of a Review Queue.")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8444)
    chosen = options.parse_args()
    secrets = os.environ.get("HANDLER_SECRET", "").split()
    if not secrets:
        options.error("HANDLER_SECRET holds the whsec_ secret that was shown when the handler was registered")
    server = handler(secrets, ask_model, port=chosen.port, host=chosen.host)
    print(f"Waiting for questions on {chosen.host}:{server.server_address[1]}")
    server.serve_forever()


if __name__ == "__main__":
    main()
