from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lever', '0003_questions'),
    ]

    operations = [
        migrations.AddField(
            model_name='export',
            name='found_in',
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
