import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewqueue.settings")
application = get_wsgi_application()

from reviewqueue.ledger.logins import guard_process  # noqa: E402 - needs the applications

guard_process()
