from django.apps import AppConfig

from reviewqueue.ledger.rows_beside import RowsBeside, rows_beside


class ReviewConfig(AppConfig):
    name = "reviewqueue.review"
    label = "review"

    def ready(self) -> None:
        rows_beside(
            RowsBeside("review_label", ("label.submitted", "label.amended"), {"r.verdict": "verdict", "r.id": "label"}),
            RowsBeside("review_lease", ("lease.granted",), {"r.id": "lease", "r.lease_no": "lease_no"}),
        )
