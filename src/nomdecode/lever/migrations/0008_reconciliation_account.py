from django.db import migrations, models

# Nobody knows of rows from before with which account they were; mostly there was one.
PRESENT = """
    UPDATE lever_reconciliation row SET account = connection.account
    FROM lever_connection connection WHERE connection.id = row.connection_id
"""


class Migration(migrations.Migration):
    dependencies = [("lever", "0007_claimed_at")]

    operations = [
        migrations.AddField(
            model_name="reconciliation",
            name="account",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.RunSQL(PRESENT, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="reconciliation", name="reconciliation_once"),
        migrations.AddConstraint(
            model_name="reconciliation",
            constraint=models.UniqueConstraint(
                fields=["connection", "account", "sweep"],
                condition=models.Q(ended_at=None),
                name="reconciliation_once",
            ),
        ),
    ]
