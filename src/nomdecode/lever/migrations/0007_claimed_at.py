from django.db import migrations, models

# Whatever was planned or looked through before counts as claimed, for whoever interviewed.
CLAIMED = """
    UPDATE lever_export SET claimed_at = state_since
    WHERE plan IS NOT NULL OR found_in <> ''
    OR EXISTS (SELECT FROM lever_exportstep step WHERE step.export_id = lever_export.id)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('lever', '0006_deliveries_at_speed'),
    ]

    operations = [
        migrations.AddField(
            model_name='export',
            name='claimed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(CLAIMED, migrations.RunSQL.noop),
    ]
