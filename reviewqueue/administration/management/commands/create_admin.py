"""manage.py create_admin NAME: an administrator, and a link that lets them choose a password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from reviewqueue.administration.people import first_admin
from reviewqueue.errors import DomainError, Invalid


class Command(BaseCommand):
    help = (
        "Makes an account of this name, or takes the one there is, gives it the role of an administrator and prints a "
        "link that lets its holder choose a password. The link works once, for three days."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="the user name, such as ada")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            link = first_admin(username=options["username"])
        except Invalid as invalid:
            raise CommandError(" ".join(problem.detail for problem in invalid.problems)) from invalid
        except DomainError as error:
            raise CommandError(error.detail) from error
        path = reverse("web:choose_password", kwargs={"uidb64": link.uid, "token": link.token})
        self.stdout.write(f"{link.user.username} is an administrator. Choose a password within three days:")
        self.stdout.write(f"{settings.PUBLIC_URL}{path}")
