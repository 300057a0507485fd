"""Django settings, read from the environment (docs/operators.md has the table)."""

import logging
from datetime import timedelta
from pathlib import Path

from django.utils.csp import CSP
from environs import Env, validate

from nomdecode.conf import data, mail, values

env = Env()

DEMO: bool = env.bool("NOMDECODE_DEMO", False)
DEBUG = False
DATA: Path = data.folder()
INSTALLATION_KEY: bytes = data.installation_key(env.str("NOMDECODE_KEY", ""))
SECRET_KEY = data.derived_secret(INSTALLATION_KEY, "django")

URL: str = env.str("NOMDECODE_URL", "http://localhost:8000", validate=values.address).rstrip("/")
_HOST = URL.split("://", 1)[-1].split("/", 1)[0]
ALLOWED_HOSTS = [_HOST.rsplit(":", 1)[0]]
CSRF_TRUSTED_ORIGINS = [URL]
HTTPS = URL.startswith("https://")

# Lever's addresses are the operator's choice: a form can only pick one of these.
LEVER_URLS: list[str] = [
    url.rstrip("/")
    for url in env.list(
        "NOMDECODE_LEVER_URLS",
        ["https://api.lever.co/v1", "https://api.sandbox.lever.co/v1"],
        validate=values.addresses,
    )
]
LEVER_RATE: float = env.float("NOMDECODE_LEVER_RATE", 10, validate=validate.Range(min=0.1))
RECONCILE_MINUTES: float = env.float(
    "NOMDECODE_RECONCILE_MINUTES", 10, validate=validate.Range(min=1)
)

DATABASES = {"default": env.dj_db_url("DATABASE_URL", "postgres:///nomdecode")}
_options = DATABASES["default"].setdefault("OPTIONS", {})
# A process that is stopped within a transaction loses it, with its locks, instead of holding up
# all others. What DATABASE_URL says itself comes later, and counts.
_idle = "-c idle_in_transaction_session_timeout=30s"
_options["options"] = f"{_idle} {_options.get('options', '')}".strip()
# A pooled connection is tried before each request has it (one round trip): else every one that a
# restarted database has ended costs a page.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if pool := env.int("NOMDECODE_POOL", 0):
    # After so many seconds a missing connection is given up, and made when a page next wants one:
    # else the pauses between tries grow to minutes, which pages wait once the database is back.
    _options["pool"] = {"min_size": 1, "max_size": pool, "reconnect_timeout": 10}

INSTALLED_APPS = [
    "procrastinate.contrib.django",
    "nomdecode.web",
    "nomdecode.orgs",
    "nomdecode.candidates",
    "nomdecode.interviews",
    "nomdecode.pipeline",
    "nomdecode.lever",
    "nomdecode.home",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "nomdecode.web.methods.NotAllowedMiddleware",
    "nomdecode.orgs.roles.RolesMiddleware",
]

ROOT_URLCONF = "nomdecode.conf.urls"
ASGI_APPLICATION = "nomdecode.conf.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "nomdecode.home.context.navigation",
            ],
        },
    }
]
FORM_RENDERER = "nomdecode.web.forms.FormRenderer"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- accounts
AUTH_USER_MODEL = "orgs.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "nomdecode.orgs.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "nomdecode.orgs.signing_in.SignIn",
    "reset_password": "nomdecode.orgs.signing_in.AskForNewPassword",
    "reset_password_from_key": "nomdecode.orgs.signing_in.NewPassword",
    "change_password": "nomdecode.orgs.signing_in.ChangePassword",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# Limits on signing in count per visitor: behind the operator's proxy that is who the proxy names.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if HTTPS else 0
MFA_ADAPTER = "nomdecode.orgs.accounts.MFAAdapter"
MFA_TOTP_ISSUER = "Nom de Code"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- the outside
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = False  # the operator's proxy ends TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True  # pages carry the token themselves
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "nomdecode_session", "nomdecode_csrf"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
FILE_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024  # a résumé never lies unencrypted on a disk
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

OUTBOX = DATA / "outbox" if DEMO else None
MAILERS = mail.mailers(env.str("EMAIL_URL", ""), OUTBOX)
DEFAULT_FROM_EMAIL = env.str("NOMDECODE_FROM", "Nom de Code <nomdecode@localhost>")

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # we keep no files
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    },
}
LANGUAGE_CODE = "en-gb"
USE_I18N = False
TIME_ZONE = env.str("NOMDECODE_TIME_ZONE", "UTC", validate=values.time_zone)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "nomdecode.conf.logs.Formatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # These write whole requests, or job arguments, at INFO.
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
logging.captureWarnings(True)
