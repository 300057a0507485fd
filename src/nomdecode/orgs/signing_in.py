"""allauth's forms in the words of the house."""

from typing import Any

from allauth.account import forms as allauth

AT_LEAST = "At least 10 characters, and not a common password."


class SignIn(allauth.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail"
        self.fields["password"].help_text = ""  # the page has that link at its end
        if remember := self.fields.get("remember"):
            remember.label = "Stay signed in on this device"


class AskForNewPassword(allauth.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-mail"


class ChangePassword(allauth.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Present password"
        self.fields["oldpassword"].help_text = ""
        _name_new(self)


class NewPassword(allauth.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_new(self)


def _name_new(form: Any) -> None:
    form.fields["password1"].label = "New password"
    form.fields["password1"].help_text = AT_LEAST
    form.fields["password2"].label = "New password, once more"
