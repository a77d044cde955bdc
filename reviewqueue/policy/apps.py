from django.apps import AppConfig

from reviewqueue.ledger.rows_beside import RowsBeside, rows_beside


class PolicyConfig(AppConfig):
    name = "reviewqueue.policy"
    label = "policy"

    def ready(self) -> None:
        rows_beside(
            RowsBeside("policy_policyversion", ("policy.proposed",), {"r.document_hash": "policy_hash"}),
            RowsBeside(
                "policy_policyversion",
                ("policy.activated",),
                {"r.document_hash": "policy_hash", "r.number": "policy_version"},
                event="activated_event_id",
            ),
        )
