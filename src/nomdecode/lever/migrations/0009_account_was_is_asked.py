from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("lever", "0008_reconciliation_account")]

    operations = [migrations.RemoveField(model_name="connection", name="account_was")]
