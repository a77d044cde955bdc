from django.apps import AppConfig
from django.core.checks import Tags, register

from reviewqueue.payloads.checks import payload_keys_are_their_own


class PayloadsConfig(AppConfig):
    name = "reviewqueue.payloads"
    label = "payloads"

    def ready(self) -> None:
        register(payload_keys_are_their_own, Tags.security, deploy=True)
