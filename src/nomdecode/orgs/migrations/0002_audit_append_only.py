from django.db import migrations

FORWARD = """
CREATE FUNCTION orgs_auditevent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON orgs_auditevent
  FOR EACH ROW EXECUTE FUNCTION orgs_auditevent_append_only();
"""
BACKWARD = """
DROP TRIGGER append_only ON orgs_auditevent;
DROP FUNCTION orgs_auditevent_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("orgs", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
