"""Epochs that had no end: they are revealed once a month's epoch has taken over."""

from django.db import migrations

KEEP = """
    INSERT INTO policy_samplingepoch
           (pipeline_id, base, name, commitment, starts_at, ends_at, committed_at, event_id, counts)
    SELECT DISTINCT ON (pipeline.id, said.body ->> 'epoch')
           pipeline.id, said.body ->> 'epoch', said.body ->> 'epoch', said.body ->> 'commitment',
           date_trunc('month', to_timestamp(event.recorded_us / 1e6), 'UTC'), now(),
           to_timestamp(event.recorded_us / 1e6), event.id, '{}'
      FROM ledger.event AS event
     CROSS JOIN LATERAL (SELECT event.leaf::jsonb -> 'body' AS body) AS said
      JOIN pipelines_pipeline AS pipeline ON pipeline.slug = said.body ->> 'pipeline'
     WHERE event.kind = 'sample.epoch_committed' AND NOT said.body ? 'from_us'
     ORDER BY pipeline.id, said.body ->> 'epoch', event.id"""


class Migration(migrations.Migration):
    dependencies = [("policy", "0020_sampling_epochs")]

    operations = [migrations.RunSQL(KEEP, migrations.RunSQL.noop)]
