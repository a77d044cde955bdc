from django.urls import path

from reviewqueue.operations import health
from reviewqueue.web.views import (
    claims,
    home,
    ledger,
    pipeline_settings,
    pipelines,
    policies,
    queue,
    review,
    second_opinion,
    session,
    signals,
    tiers,
)

app_name = "web"

urlpatterns = [
    path("", home.home, name="home"),
    path("login/", session.LogIn.as_view(), name="login"),
    path("logout/", session.LogOut.as_view(), name="logout"),
    path("queue/", queue.queue, name="queue"),
    path("queue/take/", queue.take, name="take"),
    path("review/<uuid:lease_id>/", review.task, name="task"),
    path("review/<uuid:lease_id>/label/", review.label, name="label"),
    path("review/<uuid:lease_id>/skip/", review.skip, name="skip"),
    path("review/<uuid:lease_id>/renew/", review.renew, name="renew"),
    path("review/<uuid:lease_id>/release/", review.release, name="release"),
    path("review/<uuid:lease_id>/draft/", review.draft, name="draft"),
    path("labels/<uuid:label_id>/revise/", review.revise, name="revise"),
    path("pipelines/", pipelines.pipelines, name="pipelines"),
    path("pipelines/<slug:slug>/", pipelines.pipeline, name="pipeline"),
    path("pipelines/<slug:slug>/bands/", pipelines.bands, name="bands"),
    path("pipelines/<slug:slug>/signals/", signals.signals, name="signals"),
    path("pipelines/<slug:slug>/tiers/", tiers.tiers, name="tiers"),
    path("pipelines/<slug:slug>/settings/", pipeline_settings.settings, name="settings"),
    path("pipelines/<slug:slug>/second-opinion/", second_opinion.second_opinion, name="second_opinion"),
    path("pipelines/<slug:slug>/policies/", policies.policies, name="policies"),
    path("pipelines/<slug:slug>/policies/<int:number>/", policies.policy, name="policy"),
    path("pipelines/<slug:slug>/policies/<int:number>/activate/", policies.activate, name="policy_activate"),
    path("pipelines/<slug:slug>/policies/<int:number>/reject/", policies.reject, name="policy_reject"),
    path("ledger/", ledger.ledger, name="ledger"),
    path("claims/<uuid:claim_id>/", claims.claim, name="claim"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
