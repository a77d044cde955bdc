from django.apps import AppConfig
from django.core.checks import register

from reviewqueue.api.checks import limits_are_positive


class ApiConfig(AppConfig):
    name = "reviewqueue.api"
    label = "api"

    def ready(self) -> None:
        register(limits_are_positive)
