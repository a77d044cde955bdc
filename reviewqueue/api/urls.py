"""The paths of the contract, exactly: no trailing slash, and everything else below /api/v1/ is a plain 404."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.common import no_append_slash
from django.views.decorators.csrf import csrf_exempt

from reviewqueue.api.problems import problem
from reviewqueue.api.views import (
    attachments,
    audit,
    audit_log,
    batches,
    breakers,
    calibration,
    claims,
    golden_runs,
    golden_sets,
    metrics,
    open_tasks,
    outcomes,
    owner,
    pipelines,
    policies,
    queue_rules,
    reference,
    reports,
    reviews,
    segments,
    signals,
    webhooks,
)

app_name = "api"


@csrf_exempt
@no_append_slash
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Answers here, so that no middleware redirects to another path or shows a page."""
    return problem(request, "not_found")


urlpatterns = [
    path("attachments", attachments.Attachments.as_view(), name="attachments"),
    path("audit/events", audit.Events.as_view(), name="audit-events"),
    path("audit/events/<int:index>/proof", audit.EventProof.as_view(), name="audit-proof"),
    path("audit/checkpoints", audit.Checkpoints.as_view(), name="audit-checkpoints"),
    path("audit/checkpoints/latest", audit.LatestCheckpoint.as_view(), name="audit-latest-checkpoint"),
    path("audit/consistency", audit.LedgerConsistency.as_view(), name="audit-consistency"),
    path("audit/log/checkpoint", audit_log.LogCheckpoint.as_view(), name="log-checkpoint"),
    path("audit/log/tile/entries/<tile:tile>", audit_log.LogEntries.as_view(), name="log-entries"),
    path("audit/log/tile/<int:level>/<tile:tile>", audit_log.LogTile.as_view(), name="log-tile"),
    path("audit/reports", reports.Reports.as_view(), name="audit-reports"),
    path("audit/reports/<uuid:report_id>", reports.ReportDetail.as_view(), name="audit-report"),
    path("audit/reports/<uuid:report_id>/report.json", reports.ReportFile.as_view(), name="audit-report-file"),
    path("audit/reports/<uuid:report_id>/report-proof.json", reports.ReportProof.as_view(), name="audit-report-proof"),
    path("claims", claims.Claims.as_view(), name="claims"),
    path("claims/preview", claims.ClaimPreview.as_view(), name="claim-preview"),
    path("claims/<uuid:claim_id>", claims.ClaimDetail.as_view(), name="claim"),
    path("claims/batch", batches.ClaimBatch.as_view(), name="claim-batch"),
    path("claims/<uuid:claim_id>/outcome", outcomes.ClaimOutcome.as_view(), name="claim-outcome"),
    path("outcomes", outcomes.Outcomes.as_view(), name="outcomes"),
    path("reviews/take", reviews.ReviewTake.as_view(), name="take"),
    path(
        "leases/<uuid:lease_id>/attachments/<uuid:attachment_id>",
        reviews.LeaseAttachment.as_view(),
        name="lease-attachment",
    ),
    path("leases/<uuid:lease_id>/renew", reviews.LeaseRenew.as_view(), name="lease-renew"),
    path("leases/<uuid:lease_id>/hold", reviews.LeaseHold.as_view(), name="lease-hold"),
    path("leases/<uuid:lease_id>/hand-over", reviews.LeaseHandOver.as_view(), name="lease-hand-over"),
    path("leases/<uuid:lease_id>/release", reviews.LeaseRelease.as_view(), name="lease-release"),
    path("leases/<uuid:lease_id>/label", reviews.LeaseLabel.as_view(), name="lease-label"),
    path("labels/<uuid:label_id>/return", reviews.LabelReturned.as_view(), name="label-return"),
    path("labels/<uuid:label_id>/revise", reviews.LabelRevise.as_view(), name="label-revise"),
    path("pipelines", pipelines.Pipelines.as_view(), name="pipelines"),
    path("pipelines/<slug:slug>", pipelines.PipelineDetail.as_view(), name="pipeline"),
    path("pipelines/<slug:slug>/bands", pipelines.PipelineBands.as_view(), name="bands"),
    path("pipelines/<slug:slug>/overview", owner.PipelineOverview.as_view(), name="overview"),
    path("pipelines/<slug:slug>/coverage", owner.PipelineCoverage.as_view(), name="coverage"),
    path("pipelines/<slug:slug>/calibrators", owner.PipelineCalibrators.as_view(), name="calibrators"),
    path(
        "pipelines/<slug:slug>/calibration/report",
        owner.PipelineCalibrationReport.as_view(),
        name="calibration-report",
    ),
    path("pipelines/<slug:slug>/drift/series", owner.PipelineDriftSeries.as_view(), name="drift-series"),
    path("pipelines/<slug:slug>/plan", owner.PipelinePlan.as_view(), name="plan"),
    path("pipelines/<slug:slug>/calibration", calibration.PipelineCalibration.as_view(), name="calibration"),
    path("pipelines/<slug:slug>/thresholds", calibration.PipelineThresholds.as_view(), name="thresholds"),
    path("pipelines/<slug:slug>/signals", signals.PipelineSignals.as_view(), name="signals"),
    path("pipelines/<slug:slug>/drift", calibration.PipelineDrift.as_view(), name="drift"),
    path("pipelines/<slug:slug>/segments", segments.PipelineSegments.as_view(), name="segments"),
    path("pipelines/<slug:slug>/comparison", segments.PipelineComparison.as_view(), name="comparison"),
    path("pipelines/<slug:slug>/policies", policies.Policies.as_view(), name="policies"),
    path("pipelines/<slug:slug>/policies/<int:number>", policies.PolicyDetail.as_view(), name="policy"),
    path("pipelines/<slug:slug>/policies/<int:number>/backtest", policies.PolicyBacktest.as_view(), name="backtest"),
    path("pipelines/<slug:slug>/policies/<int:number>/approve", policies.PolicyApprove.as_view(), name="approve"),
    path("pipelines/<slug:slug>/policies/<int:number>/activate", policies.PolicyActivate.as_view(), name="activate"),
    path("pipelines/<slug:slug>/policies/<int:number>/reject", policies.PolicyReject.as_view(), name="reject"),
    path("pipelines/<slug:slug>/policies/<int:number>/retire", policies.PolicyRetire.as_view(), name="retire"),
    path("pipelines/<slug:slug>/policies/<int:number>/shadow", policies.PolicyShadow.as_view(), name="start-shadow"),
    path("pipelines/<slug:slug>/policies/<int:number>/unshadow", policies.PolicyUnshadow.as_view(), name="stop-shadow"),
    path("pipelines/<slug:slug>/tasks", open_tasks.PipelineTasks.as_view(), name="tasks"),
    path("pipelines/<slug:slug>/tasks/changes", open_tasks.PipelineTaskChanges.as_view(), name="task-changes"),
    path(
        "pipelines/<slug:slug>/tasks/changes/<uuid:change_id>/undo",
        open_tasks.TaskChangeUndo.as_view(),
        name="task-change-undo",
    ),
    path("pipelines/<slug:slug>/queue-rules", queue_rules.PipelineQueueRules.as_view(), name="queue-rules"),
    path("pipelines/<slug:slug>/skills", queue_rules.PipelineSkills.as_view(), name="skills"),
    path("pipelines/<slug:slug>/breakers", breakers.Breakers.as_view(), name="breakers"),
    path("pipelines/<slug:slug>/breakers/<int:breaker_id>/reset", breakers.BreakerReset.as_view(), name="reset"),
    path("pipelines/<slug:slug>/golden-sets", golden_sets.GoldenSets.as_view(), name="golden-sets"),
    path("pipelines/<slug:slug>/golden-sets/<slug:name>/items", golden_sets.GoldenItems.as_view(), name="golden-items"),
    path(
        "pipelines/<slug:slug>/golden-sets/<slug:name>/publish",
        golden_sets.GoldenPublish.as_view(),
        name="golden-publish",
    ),
    path(
        "pipelines/<slug:slug>/golden-sets/<slug:name>/questions",
        golden_runs.GoldenQuestions.as_view(),
        name="golden-questions",
    ),
    path("pipelines/<slug:slug>/golden-sets/<slug:name>/runs", golden_runs.GoldenRuns.as_view(), name="golden-runs"),
    path(
        "pipelines/<slug:slug>/golden-sets/<slug:name>/runs/<uuid:run_id>",
        golden_runs.GoldenRunDetail.as_view(),
        name="golden-run",
    ),
    path(
        "pipelines/<slug:slug>/golden-sets/<slug:name>/runs/<uuid:run_id>/answers",
        golden_runs.GoldenRunAnswers.as_view(),
        name="golden-run-answers",
    ),
    path(
        "pipelines/<slug:slug>/golden-sets/<slug:name>/runs/<uuid:run_id>/close",
        golden_runs.GoldenRunClose.as_view(),
        name="golden-run-close",
    ),
    path(
        "pipelines/<slug:slug>/golden-sets/<slug:name>/runs/<uuid:run_id>/comparison",
        golden_runs.GoldenRunComparison.as_view(),
        name="golden-run-comparison",
    ),
    path("webhooks", webhooks.Webhooks.as_view(), name="webhooks"),
    path("webhooks/<uuid:endpoint_id>", webhooks.Webhook.as_view(), name="webhook"),
    path("webhooks/<uuid:endpoint_id>/pause", webhooks.WebhookPause.as_view(), name="webhook-pause"),
    path("webhooks/<uuid:endpoint_id>/resume", webhooks.WebhookResume.as_view(), name="webhook-resume"),
    path("webhooks/<uuid:endpoint_id>/test", webhooks.WebhookTest.as_view(), name="webhook-test"),
    path("webhooks/<uuid:endpoint_id>/rotate", webhooks.WebhookRotate.as_view(), name="webhook-rotate"),
    path("webhooks/<uuid:endpoint_id>/replay", webhooks.WebhookReplay.as_view(), name="webhook-replay"),
    path("webhooks/<uuid:endpoint_id>/deliveries", webhooks.WebhookDeliveries.as_view(), name="webhook-deliveries"),
    path("metrics", metrics.Metrics.as_view(), name="metrics"),
    path("schema", reference.Schema.as_view(), name="schema"),
    path("docs", reference.Reference.as_view(), name="docs"),
    re_path(r"", nothing_here, name="nothing-here"),
]
