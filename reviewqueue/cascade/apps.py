from django.apps import AppConfig


class CascadeConfig(AppConfig):
    name = "reviewqueue.cascade"
    label = "cascade"
