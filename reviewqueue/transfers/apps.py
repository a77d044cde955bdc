from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "reviewqueue.transfers"
    label = "transfers"
