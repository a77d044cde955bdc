"""The order in which the stack comes up: each step waits until the one before it answers."""

import contextlib
import http.client
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from reviewqueue.dev import broker, embedded, log_ins, postgres, static_inputs
from reviewqueue.dev.console import Console
from reviewqueue.dev.locks import only_start_in
from reviewqueue.dev.stack import Stack, uses_embedded_broker, uses_embedded_database
from reviewqueue.dev.supervisor import Service, StackFailed, StopRequested, Supervisor

SERVER_LIMIT = 120.0  # after a crash a server replays its log before it answers
WEB_LIMIT = 90.0
# The unused extensions of htmx name, in a comment, a file that the hashing of names then looks for.
COLLECT_STATIC = ("collectstatic", "--no-input", "--verbosity", "0", "--ignore", "django_htmx/ext/*")


@dataclass
class Start:
    """One run of the stack, from the first process to the last."""

    stack: Stack
    with_claims: bool
    wait_for_demo: bool
    console: Console = field(default_factory=Console)
    supervisor: Supervisor = field(init=False)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.console, changed=self._record)

    def run(self) -> int:
        """Returns 0 after a requested stop; raises StackFailed when the stack cannot go on."""
        self.supervisor.listen_for_signals()
        with contextlib.ExitStack() as held:
            try:
                self._start_servers(held)
                self._prepare()
                self._start_application()
                self._show_demo()
                while True:
                    self.supervisor.pause()
            except StopRequested:
                self.console.say("Stopping (Ctrl-C once more kills)")
            finally:
                self.supervisor.stop()
                self._run_file.unlink(missing_ok=True)
                shutil.rmtree(embedded.socket_directory(self.stack.local), ignore_errors=True)
        self.console.say("Stopped.")
        return 0

    def _start_servers(self, held: contextlib.ExitStack) -> None:
        embedded.stored_secrets(self.stack.local)
        if uses_embedded_database():
            self._start_database(held)
        if uses_embedded_broker():
            embedded.make_socket_directory(self.stack.local)
            self.supervisor.start(self.stack.broker())
            at = embedded.broker_socket(self.stack.local)
            self.supervisor.wait_for(lambda: broker.answers(at), limit=SERVER_LIMIT, what="The broker")

    def _start_database(self, held: contextlib.ExitStack) -> None:
        cluster = postgres.embedded_cluster(self.stack.local)
        if cluster.data.parent != self.stack.local:
            self.console.say(f"The database's files are in {cluster.data}: its account cannot enter {self.stack.local}")
            held.enter_context(only_start_in(cluster.data.parent))
        cluster.clear_leftovers()
        if cluster.initialise():
            # The log-ins of an earlier database would not open this one.
            log_ins.forget(self.stack.local)
        self.supervisor.start(self.stack.database(cluster))
        self.supervisor.wait_for(cluster.answers, limit=SERVER_LIMIT, what="The database")
        postgres.ensure_roles_and_database(cluster.sockets)

    def _prepare(self) -> None:
        self._require(self.stack.command("migrate", "migrate", "--no-input", role="owner"))
        if static_inputs.changed(self.stack.root, self.stack.local):
            self._require(self.stack.command("static", *COLLECT_STATIC))
            static_inputs.remember(self.stack.root, self.stack.local)
        key = self.stack.environment("worker")["LEDGER_SIGNING_KEY_FILE"]
        if key and not os.path.exists(key):
            self._require(self.stack.command("ledger", "ledger_key", "--create", key))

    def _require(self, service: Service) -> None:
        if self.supervisor.run(service) != 0:
            raise StackFailed(f"`{' '.join(service.command[1:])}` failed; its last lines say why.")

    def _start_application(self) -> None:
        for service in (self.stack.web(), self.stack.worker(), self.stack.beat()):
            self.supervisor.start(service)
        self.supervisor.wait_for(self._web_answers, limit=WEB_LIMIT, what="The web server")

    def _web_answers(self) -> bool:
        connection = http.client.HTTPConnection(self.stack.reachable_host, self.stack.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _show_demo(self) -> None:
        local, url = self.stack.local, self.stack.url
        if found := log_ins.known(local):
            log_ins.update_address(local, found, url)
        else:
            self._run_demo()
        self.console.say(log_ins.summary(local, url))

    def _run_demo(self) -> None:
        if not self.wait_for_demo:
            self.console.say(f"Review Queue answers at {self.stack.url}; the demo is being prepared")
        kind = [] if self.with_claims else ["--empty"]
        if self.supervisor.run(self.stack.command("demo", "demo", *kind, "--url", self.stack.url)) != 0:
            self.console.say("The demo is incomplete (its lines above say why); Review Queue runs without it.")

    def _record(self, pids: dict[str, int]) -> None:
        """Tells other terminals what runs where."""
        facts = {"url": self.stack.url, "port": self.stack.port, "pids": {"supervisor": os.getpid(), **pids}}
        draft = self._run_file.with_suffix(".draft")
        draft.write_text(json.dumps(facts, indent=2) + "\n")
        draft.replace(self._run_file)

    @property
    def _run_file(self) -> Path:
        return self.stack.local / "run.json"
