from django.apps import AppConfig


class PipelinesConfig(AppConfig):
    name = "reviewqueue.pipelines"
    label = "pipelines"
