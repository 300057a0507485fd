from pathlib import Path

import pytest

from nomdecode.conf.mail import mailers


def test_without_an_address_no_mail_leaves() -> None:
    assert mailers("", None)["default"]["BACKEND"].endswith("dummy.EmailBackend")


def test_the_demo_keeps_mail_in_its_outbox(tmp_path: Path) -> None:
    options = mailers("smtp://mail.example", tmp_path)["default"]["OPTIONS"]
    assert options == {"file_path": str(tmp_path)}


def test_an_smtp_address_becomes_a_mailer() -> None:
    default = mailers("submission://post:geheim@mail.example:587", None)["default"]
    assert default["BACKEND"].endswith("smtp.EmailBackend")
    assert default["OPTIONS"] | {"timeout": 0} == {
        "host": "mail.example",
        "port": 587,
        "username": "post",
        "password": "geheim",
        "use_tls": True,
        "use_ssl": False,
        "timeout": 0,
    }


@pytest.mark.parametrize("url", ["consolemail:", "mail.example:25", "http://mail.example"])
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="EMAIL_URL must begin"):
        mailers(url, None)
