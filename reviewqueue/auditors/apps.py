from django.apps import AppConfig


class AuditorsConfig(AppConfig):
    name = "reviewqueue.auditors"
    label = "auditors"
