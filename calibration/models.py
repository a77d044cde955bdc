from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviewqueue.claims.models import Claim, Route
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import Breaker, PolicyVersion, ShadowRun


class CalibratorStatus(models.TextChoices):
    FITTED = "fitted"  # the first of its subject, judged on the other half of the inputs, not decided yet
    SHADOW = "shadow"  # judged against the one in use, on labels that came after its fit
    PROPOSED = "proposed"  # better beyond doubt: a draft policy carries it
    REJECTED = "rejected"


class Calibrator(models.Model):
    """A fitted map from stated to calibrated confidence, with the labels it was fitted on and judged by."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="calibrators")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)  # "isotonic-7", as decisions and policies name it
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=20)
    map = models.JSONField()
    fit_labels = models.PositiveIntegerField()
    judged_labels = models.PositiveIntegerField()
    last_outcome_at = models.DateTimeField()  # the newest measured outcome it has seen, in either half
    figures = models.JSONField(default=dict)  # candidate and champion on the held-out half, with intervals
    status = models.CharField(max_length=10, choices=CalibratorStatus.choices)
    proposed_in = models.ForeignKey(PolicyVersion, null=True, on_delete=models.PROTECT, related_name="+")
    fitted_at = models.DateTimeField(default=timezone.now)
    champion = models.CharField(max_length=80, blank=True)  # the one it is judged against; "": stated confidence
    looks = models.PositiveSmallIntegerField(default=0)  # how often it was judged; each look may err with its share
    judged_at = models.DateTimeField(null=True)
    reverse_looks = models.PositiveSmallIntegerField(default=0)  # since it took over: the one before against it
    rolled_back_in = models.ForeignKey(PolicyVersion, null=True, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="calibrator_number_once", fields=["pipeline", "number"]),
            # One candidate of a subject is in shadow at a time.
            models.UniqueConstraint(
                name="calibrator_one_in_shadow",
                fields=["pipeline", "model", "model_version", "prompt_version"],
                condition=Q(status=CalibratorStatus.SHADOW),
            ),
        ]
        indexes = [
            models.Index(
                name="calibrator_by_key", fields=["pipeline", "model", "model_version", "prompt_version", "-number"]
            )
        ]

    def __str__(self) -> str:
        return self.name


class Score(models.Model):
    """What a calibrator that looks at more than the confidence makes of a claim.

    Derived: a function of the claim and the calibrator's map. Figures under such a calibrator count these.
    """

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="+")
    calibrator = models.ForeignKey(Calibrator, on_delete=models.CASCADE, db_index=False, related_name="scores")
    p = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="score_once", fields=["claim", "calibrator"]),
            models.CheckConstraint(name="score_is_a_share", condition=models.Q(p__gte=0, p__lte=1)),
        ]
        indexes = [models.Index(name="score_last", fields=["calibrator", "-claim"])]  # up to where it has scored

    def __str__(self) -> str:
        return f"{self.claim_id} {self.p}"


class Counted(models.Model):
    """Claims that no statistic tells apart, counted: what every figure of a pipeline is computed from.

    Derived: a function of claims, first decisions and measured outcomes. `part` is the unit of recomputation. Labelled
    claims are counted apart from the others.
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, db_index=False, related_name="+")
    part = models.DateField()
    era = models.DateTimeField()  # the last change of what decides, at or before receipt; 1970 before the first one
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    elicitation = models.CharField(max_length=20)
    scored_by = models.CharField(max_length=80, blank=True)  # "" is the stated confidence, else a calibrator's score
    category = models.CharField(max_length=80, blank=True)
    segments = models.JSONField()
    passed = ArrayField(models.TextField())  # digests of the checks that the claim passed when it came in
    held = models.BooleanField()  # by rules over signals, by a failed verifier, or by what its case had been
    confidence = models.SmallIntegerField()  # in 1/10,000, rounded down
    audit_rate = models.FloatField()
    fit_half = models.BooleanField(null=True)  # null: no label
    level = models.FloatField(null=True)  # the lowest audit rate in use that would have drawn the label too
    fresh = models.BooleanField()  # the first label of its input for this model and prompt version
    claims = models.IntegerField()
    sampled = models.IntegerField()
    labelled = models.IntegerField()
    right = models.IntegerField()
    sum_confidence = models.BigIntegerField()  # in 1/100,000,000, of all claims
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    newest_at = models.DateTimeField(null=True)  # when the newest outcome came in

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(class)s_counts_fit",
                condition=models.Q(
                    right__gte=0,
                    right__lte=models.F("labelled"),
                    labelled__lte=models.F("sampled"),
                    sampled__lte=models.F("claims"),
                ),
            ),
        ]
        indexes = [
            models.Index(name="%(class)s_part", fields=["pipeline", "part"]),
            models.Index(name="%(class)s_subject", fields=["pipeline", "model", "model_version", "prompt_version"]),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.part} {self.confidence}"


class Cell(Counted):
    """Claims of one day. `part` is the day that their ids begin with, `day` that of receipt (UTC)."""

    day = models.DateField()


class MonthCell(Counted):
    """Cells of the days of one calendar month, added up. `part` is its first day."""


class LabelledInput(models.Model):
    """A claim with a label that measures, by its input: of several for one model and prompt version the first counts.

    Derived, as cells are.
    """

    claim = models.OneToOneField(
        Claim, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, db_index=False, related_name="+")
    input = models.BinaryField(max_length=32)  # SHA-256 of pipeline, model, versions and fingerprint
    fit_half = models.BooleanField()

    class Meta:
        indexes = [models.Index(name="labelled_input", fields=["input", "claim"])]

    def __str__(self) -> str:
        return str(self.claim_id)


class CellMark(models.Model):
    """A part whose rows changed since its cells were made, or a month whose cells changed since they were added up.

    Triggers write the former with the change, the sweep the latter; the sweep deletes both.
    Losing one would leave figures behind until the day changes again; `forget_derived` makes everything anew.
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    part = models.DateField()
    is_month = models.BooleanField(db_default=False)

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.part}"


class CellState(models.Model):
    """What the cells of a pipeline were made with. Losing it costs making them all anew."""

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="+")
    rates = ArrayField(models.FloatField())  # every audit rate in use, rising
    eras = ArrayField(models.DateTimeField())  # every change of what decides, rising
    changes = models.BigIntegerField(default=0)  # rises whenever a cell may have changed
    rests_until = models.DateTimeField()  # the sweep leaves a large day alone for a while

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.changes}"


class BandStat(models.Model):
    """Measured accuracy of one band under one policy version, for one model and prompt version (and one segment).

    Derived: a function of claims, decisions and measured outcomes. Deleting every row and sweeping gives the same rows.
    """

    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="+")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="+")
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    segment = models.CharField(max_length=500, blank=True)  # "" is everything, else as core.segments names it
    band = models.CharField(max_length=40)
    n_routed = models.PositiveIntegerField()
    n_sampled = models.PositiveIntegerField()
    n_labelled = models.PositiveIntegerField()
    n_right = models.PositiveIntegerField()
    # Mandatory claims and those that rules or verifiers held: no band decides about them, so none is measured by them.
    n_apart = models.PositiveIntegerField(default=0)
    apart_labelled = models.PositiveIntegerField(default=0)
    apart_right = models.PositiveIntegerField(default=0)
    mean_confidence = models.FloatField(null=True)
    accuracy = models.FloatField(null=True)
    low = models.FloatField()
    high = models.FloatField()
    level = models.FloatField()
    unlabelled_share = models.FloatField(default=0)  # of the claims, in strata of which no label is in yet
    pending_low = models.FloatField(default=0)  # accuracy if everything that is still awaited were wrong
    pending_high = models.FloatField(default=1)  # and if it were right
    error_upper = models.FloatField()  # one-sided exact limit of the gate
    gate_labels = models.PositiveIntegerField()  # labels of the equal-probability sample behind the gate
    required = models.FloatField(null=True)
    state = models.CharField(max_length=12)
    method = models.CharField(max_length=30)
    newest_outcome_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="band_stat_once",
                fields=["policy_version", "model", "model_version", "prompt_version", "segment", "band"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} {self.segment} {self.band}"


class Measurement(models.Model):
    """Up to what the bands of a pipeline have been measured. Losing it costs one recomputation."""

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="+")
    seen = models.TextField()
    measured_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.measured_at}"


class ShadowDecision(models.Model):
    """What the version in shadow would have decided about a claim that the active one decided.

    Derived: a function of the claim's stored facts, the version and the states of its bands when it was written.
    """

    run = models.ForeignKey(ShadowRun, on_delete=models.CASCADE, related_name="decisions")
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="+")
    route = models.CharField(max_length=14, choices=Route.choices)
    band = models.CharField(max_length=40, blank=True)
    reasons = ArrayField(models.CharField(max_length=30))
    audit_sampled = models.BooleanField()
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # However often the sweep runs, a claim counts once in a run.
            models.UniqueConstraint(name="shadow_decision_once", fields=["run", "claim"]),
        ]

    def __str__(self) -> str:
        return f"{self.claim_id} {self.route}"


class SuspectSearch(models.Model):
    """What the last search for labels that deserve a second look found. Losing it costs one search.

    `doubted` (worst first) and `drawn` (in the order that the seed gave) hold claim, outcome, why and probability.
    """

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="+")
    searched_at = models.DateTimeField()
    next_at = models.DateTimeField()  # when the sweep searches again
    seed = models.BigIntegerField()
    labels = models.PositiveIntegerField()
    suspects = models.PositiveIntegerField()
    by_consensus = models.PositiveIntegerField()
    subjects = models.JSONField()
    doubted = models.JSONField()
    drawn = models.JSONField()

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.searched_at}"


class MonitorKind(models.TextChoices):
    OUTCOME = "outcome"  # whether a band that decides still keeps its promise
    CALIBRATION = "calibration"  # whether outputs are right as often as the calibrated confidence says


class MonitorSignal(models.TextChoices):
    QUIET = "quiet"
    WARNING = "warning"
    ALARM = "alarm"


class Monitor(models.Model):
    """One stream of labels under watch, for one model and prompt version of the active policy.

    Derived: a function of labels, the active policy and what people have reset. Deleting every row and sweeping gives
    the same states again. `settled` is the state up to the pipeline's cursor, `state` that with the newest labels.
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="monitors")
    kind = models.CharField(max_length=12, choices=MonitorKind.choices)
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    band = models.CharField(max_length=40, blank=True)  # "" watches all bands
    calibrator = models.CharField(max_length=80)
    rule = models.JSONField()  # what is watched, and since when; another rule starts anew
    settled = models.JSONField()
    state = models.JSONField()
    labels = models.PositiveIntegerField()
    wrong = models.PositiveIntegerField()  # what breaks the promise: in a band that refuses, what was right
    statistic = models.FloatField()
    threshold = models.FloatField()
    signal = models.CharField(max_length=8, choices=MonitorSignal.choices)
    direction = models.CharField(max_length=5, blank=True)  # of a calibration alarm: "over" or "under"
    newest_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="monitor_once",
                fields=["pipeline", "kind", "model", "model_version", "prompt_version", "band"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.model_version} {self.band}: {self.signal}"


class MonitorCursor(models.Model):
    """Up to which label the `settled` states of a pipeline's monitors are. Losing it costs one replay."""

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="+")
    upto = models.DateTimeField()
    consumed = models.PositiveIntegerField()  # measured outcomes up to then; another count means the past has changed

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.upto}"


class FindingKind(models.TextChoices):
    OUTCOME = "outcome"  # a promise is broken
    CALIBRATION = "calibration"  # the calibrated confidence is not what outputs are right by
    REVERSE = "reverse"  # the calibrator that was replaced would have done better


class Finding(models.Model):
    """What a monitor of labels found. Kept for ever, with its ledger entry. Drift of the confidences is a breaker."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=12, choices=FindingKind.choices)
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    band = models.CharField(max_length=40, blank=True)
    calibrator = models.CharField(max_length=80)
    figures = models.JSONField()
    found_at = models.DateTimeField(default=timezone.now)
    breaker = models.ForeignKey(Breaker, null=True, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(name="finding_newest", fields=["pipeline", "-found_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.model_version} {self.band}"


class SliceSearch(models.Model):
    """What the last search for the worst slices, and for confidence that is upside down, found.

    Derived: a function of the newest labels and of what is watched. Losing it costs one search.
    """

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="+")
    searched_at = models.DateTimeField()
    next_at = models.DateTimeField()  # when the sweep looks whether there is anything new
    seen = models.TextField()  # the labels and the declaration it was made of
    outcomes = models.PositiveIntegerField(default=0)  # measured ones there were then, up to one more than are read
    labels = models.PositiveIntegerField()
    looked_at = models.PositiveIntegerField()
    tested = models.PositiveIntegerField()
    slices = models.JSONField()
    inversions = models.JSONField()

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.searched_at}"


class DismissedSlice(models.Model):
    """A slice that an owner does not want to be told of again."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=71)  # the hash of its facts
    facts = models.JSONField()
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    dismissed_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # Dismissing twice is one dismissal.
            models.UniqueConstraint(name="slice_dismissed_once", fields=["pipeline", "name"]),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.facts}"
