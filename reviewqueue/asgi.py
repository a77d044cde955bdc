"""What the web server runs: the WSGI application, behind somebody who waits for slow clients."""

import os

from reviewqueue.serving import Patience, Served
from reviewqueue.wsgi import application as wsgi

# What these addresses read themselves, and a little more, so that they refuse the rest in their own words.
LONGER = {"/api/v1/claims/batch": 33 * 1024 * 1024, "/api/v1/attachments": 13 * 1024 * 1024}
THREADS = int(os.environ.get("WEB_THREADS", "2"))
BODY_SECONDS = float(os.environ.get("WEB_BODY_SECONDS", "10"))

application = Served(wsgi, threads=THREADS, patience=Patience(longer=LONGER, seconds=BODY_SECONDS))
