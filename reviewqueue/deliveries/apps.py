from django.apps import AppConfig


class DeliveriesConfig(AppConfig):
    name = "reviewqueue.deliveries"
    label = "deliveries"
