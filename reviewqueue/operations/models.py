from django.db import models


class SweepRun(models.Model):
    """When a sweep last ran. One row per sweep; silence is visible here and nowhere else."""

    name = models.CharField(max_length=80, primary_key=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    changed = models.IntegerField(default=0)
    failed_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, default="")

    def __str__(self) -> str:
        return self.name
