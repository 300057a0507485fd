"""What was moved while it lay in the archive was kept as reached."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0007_few_of_many")]

    # Where no journey is kept, everything is counted at the next start (conf/serve.py).
    operations = [migrations.RunSQL("DELETE FROM pipeline_journey", migrations.RunSQL.noop)]
