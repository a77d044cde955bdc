from django.apps import AppConfig

from reviewqueue.ledger.rows_beside import RowsBeside, rows_beside


class ClaimsConfig(AppConfig):
    name = "reviewqueue.claims"
    label = "claims"

    def ready(self) -> None:
        rows_beside(
            RowsBeside(
                "claims_claim",
                ("claim.decided",),
                {"r.model": "model", "r.model_version": "model_version", "nullif(r.category, '')": "category"},
            ),
            RowsBeside(
                "claims_decision",
                ("claim.decided", "claim.rerouted"),
                {"r.route": "route", "nullif(r.band, '')": "band", "r.mandatory": "mandatory"},
            ),
            RowsBeside("claims_outcome", ("outcome.final",), {"r.correct": "correct", "r.basis": "basis"}),
        )
