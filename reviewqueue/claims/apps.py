from django.apps import AppConfig


class ClaimsConfig(AppConfig):
    name = "reviewqueue.claims"
    label = "claims"
