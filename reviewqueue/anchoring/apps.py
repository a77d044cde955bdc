from django.apps import AppConfig
from django.core.checks import Tags, register


class AnchoringConfig(AppConfig):
    name = "reviewqueue.anchoring"
    label = "anchoring"

    def ready(self) -> None:
        from reviewqueue.anchoring import checks, selectors
        from reviewqueue.ledger import anchors
        from reviewqueue.operations import health

        anchors.contradictions.append(selectors.contradictions)
        health.CHECKS["anchors"] = selectors.health
        register(checks.settings_fit)
        register(checks.two_places, Tags.security, deploy=True)
