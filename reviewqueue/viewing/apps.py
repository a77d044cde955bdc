from django.apps import AppConfig


class ViewingConfig(AppConfig):
    name = "reviewqueue.viewing"
    label = "viewing"
