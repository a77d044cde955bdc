"""The application behind a real port of this process, on the test database, for clients that speak HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.wsgi import get_wsgi_application
from django.db import connections


class ThreadedServer(ThreadingMixIn, WSGIServer):
    request_queue_size = 50


class Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@contextmanager
def serving() -> Iterator[str]:
    """The address of the server. Each of its threads gives its database connection back."""
    application = get_wsgi_application()

    def served(environ: dict[str, Any], start: Callable[..., Any]) -> Sequence[bytes]:
        try:
            response = application(environ, start)
            content = [b"".join(response)]
            response.close()
            return content
        finally:
            connections.close_all()

    with make_server("127.0.0.1", 0, served, ThreadedServer, Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
