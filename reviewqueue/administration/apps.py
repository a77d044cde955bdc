from django.apps import AppConfig


class AdministrationConfig(AppConfig):
    name = "reviewqueue.administration"
    label = "administration"
