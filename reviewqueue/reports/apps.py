from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reviewqueue.reports"
    label = "reports"
