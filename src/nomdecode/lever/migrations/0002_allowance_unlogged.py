from django.db import migrations


class Migration(migrations.Migration):
    """Taking an allowance must not wait for the disk; after a crash it simply begins anew."""

    dependencies = [('lever', '0001_initial')]

    operations = [
        migrations.RunSQL(
            'ALTER TABLE lever_allowance SET UNLOGGED',
            'ALTER TABLE lever_allowance SET LOGGED',
        )
    ]
