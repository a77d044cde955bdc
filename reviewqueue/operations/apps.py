from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "reviewqueue.operations"
    label = "operations"
