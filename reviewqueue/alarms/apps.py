from django.apps import AppConfig


class AlarmsConfig(AppConfig):
    name = "reviewqueue.alarms"
    label = "alarms"
