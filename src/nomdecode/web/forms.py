"""Plain Django forms, and allauth's, in the look of the house."""

from django.forms.renderers import TemplatesSetting


class FormRenderer(TemplatesSetting):
    """`{{ form }}` and `{{ form.field.as_field_group }}` render through web/forms/."""

    form_template_name = "web/forms/form.html"
    field_template_name = "web/forms/field.html"
