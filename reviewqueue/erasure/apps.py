from django.apps import AppConfig

from reviewqueue.ledger.rows_beside import RowsBeside, rows_beside


class ErasureConfig(AppConfig):
    name = "reviewqueue.erasure"
    label = "erasure"

    def ready(self) -> None:
        # Several entries may belong to one erasure: a claim's files go with it. So only what the rows say is compared.
        rows_beside(RowsBeside("erasure_erasure", (), {"r.basis": "basis", "r.id": "erasure"}))
