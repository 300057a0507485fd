"""What counts was kept wrong of adopted profiles, and of archived ones that were deleted later."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0005_kept_here")]

    # Where no journey is kept, everything is counted at the next start (conf/serve.py).
    operations = [migrations.RunSQL("DELETE FROM pipeline_journey", migrations.RunSQL.noop)]
