"""What the web server runs: the WSGI application, behind somebody who waits for slow clients."""

import os

from reviewqueue.serving import Patience, Served
from reviewqueue.wsgi import application as wsgi

# What these addresses read themselves, and a little more, so that they refuse the rest in their own words.
MIB = 1024 * 1024
LONGER = {
    "/api/v1/claims/batch": 33 * MIB,
    "/api/v1/attachments": 13 * MIB,
    "/api/v1/pipelines/*/golden-sets/*/items": 33 * MIB,
    "/api/v1/pipelines/*/golden-sets/*/runs/*/answers": 33 * MIB,
    "/pipelines/*/golden-sets/*/draft/": 33 * MIB,
    "/ledger/verify-bundle/": 9 * MIB,
}
THREADS = int(os.environ.get("WEB_THREADS", "2"))
BODY_SECONDS = float(os.environ.get("WEB_BODY_SECONDS", "10"))

application = Served(wsgi, threads=THREADS, patience=Patience(longer=LONGER, seconds=BODY_SECONDS))
