"""All settings, read from the environment once.

Environment variables only wire things up (where the database is, which secrets to use). Whatever changes a routing
decision is data in a policy version. Nothing else in the project reads the environment (tests/architecture).
"""

from datetime import timedelta
from pathlib import Path

import environ

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = Path(env("REVIEWQUEUE_LOCAL", default=str(BASE_DIR / ".local")))

# --- what this instance is ------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
PUBLIC_URL = env("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
DEVELOPMENT = env.bool("REVIEWQUEUE_DEVELOPMENT", default=False)  # the embedded stack and the demo
OVER_TLS = PUBLIC_URL.startswith("https://")

API_KEY_ENVIRONMENT = env("API_KEY_ENVIRONMENT", default="live")
API_KEY_PEPPER = env("API_KEY_PEPPER", default=SECRET_KEY)
SAMPLING_SECRET = env("SAMPLING_SECRET", default=SECRET_KEY)
PAYLOAD_KEYS = env.list("PAYLOAD_KEYS", default=[])  # the first wraps new keys; without any, SECRET_KEY does
ERASURE_LIST_FILE = env("ERASURE_LIST_FILE", default="")  # outside the database: what a restore forgets again
LEDGER_ORIGIN = env("LEDGER_ORIGIN", default="review-queue/unnamed")
LEDGER_SIGNING_KEY_FILE = env("LEDGER_SIGNING_KEY_FILE", default="")  # given to the sealing worker only
LEDGER_ANCHOR_FILE = env("LEDGER_ANCHOR_FILE", default="")
LEDGER_ANCHOR_STORAGE = env("LEDGER_ANCHOR_STORAGE", default="")  # an alias of STORAGES
LEDGER_WITNESSES = env.json("LEDGER_WITNESSES", default=[])  # [{"url": …, "key": …}]
LEDGER_TIMESTAMP_URL = env("LEDGER_TIMESTAMP_URL", default="")  # an authority of RFC 3161
LEDGER_TIMESTAMP_CA_FILE = env("LEDGER_TIMESTAMP_CA_FILE", default="")
LEDGER_WEBHOOK_URL = env("LEDGER_WEBHOOK_URL", default="")
LEDGER_WEBHOOK_SECRET = env("LEDGER_WEBHOOK_SECRET", default="")
LEDGER_AUDITOR_MAIL = env.list("LEDGER_AUDITOR_MAIL", default=[])
LEDGER_ANCHOR_SECONDS = env.float("LEDGER_ANCHOR_SECONDS", default=60.0)  # at most one checkpoint in so many seconds

# --- applications ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "reviewqueue.ledger",
    "reviewqueue.operations",
    "reviewqueue.accounts",
    "reviewqueue.pipelines",
    "reviewqueue.policy",
    "reviewqueue.payloads",
    "reviewqueue.claims",
    "reviewqueue.viewing",
    "reviewqueue.deliveries",
    "reviewqueue.anchoring",
    "reviewqueue.review",
    "reviewqueue.cascade",
    "calibration",
    "reviewqueue.transfers",
    "reviewqueue.golden",
    "reviewqueue.administration",
    "reviewqueue.auditors",
    "reviewqueue.erasure",
    "reviewqueue.reports",
    "reviewqueue.alarms",
    "reviewqueue.api",
    "reviewqueue.web",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "rest_framework",
    "axes",
]
if DEVELOPMENT:
    INSTALLED_APPS.append("reviewqueue.dev")

MIDDLEWARE = [
    "reviewqueue.operations.request_id.RequestIdMiddleware",
    "reviewqueue.operations.whole_bodies.WholeBodyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "reviewqueue.urls"
WSGI_APPLICATION = "reviewqueue.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "reviewqueue.web.navigation.navigation",
                "reviewqueue.web.key_sheet.keys",
            ],
            "builtins": [
                "django_htmx.templatetags.django_htmx",
                "reviewqueue.web.templatetags.show",
                "reviewqueue.web.templatetags.keys",
                "reviewqueue.web.templatetags.owner",
            ],
        },
    }
]

# --- database -------------------------------------------------------------------------------------------------------
# Application processes act as the group role `app_web`; migrations run as the login user (DATABASE_ROLE empty).
DATABASE_ROLE = env("DATABASE_ROLE", default="app_web")
_session_settings = {
    "statement_timeout": env.int("DATABASE_STATEMENT_TIMEOUT_MS", default=15_000),
    "lock_timeout": 3_000,
    "idle_in_transaction_session_timeout": 30_000,
}
if DATABASE_ROLE:
    _session_settings["role"] = DATABASE_ROLE
DATABASES = {
    "default": {
        **env.db("DATABASE_URL"),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "options": " ".join(f"-c {name}={value}" for name, value in _session_settings.items()),
            "application_name": "reviewqueue",
        },
    }
}

# --- Celery: beat runs sweeps that find their own work; the schedule is in reviewqueue/celery.py ----------------------
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="redis://127.0.0.1:6379/0")

# --- mail: EMAIL_URL names the server (smtp+tls://user:password@host:587); without it nothing is sent -----------------
vars().update(env.email_url("EMAIL_URL", default="dummymail://"))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("MAIL_FROM", default="review-queue@localhost")

# --- people and sessions --------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "web:login"
LOGIN_REDIRECT_URL = "web:home"
LOGOUT_REDIRECT_URL = "web:login"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600  # seconds that a link to choose a password works
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "errors/locked_out.html"
AXES_VERBOSE = False

SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = OVER_TLS
SESSION_COOKIE_NAME = "__Host-sessionid" if OVER_TLS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if OVER_TLS else "csrftoken"
CSRF_COOKIE_HTTPONLY = False  # a page left open over a new log-in takes the new token from it
CSRF_FAILURE_VIEW = "reviewqueue.web.views.errors.csrf_failed"

# --- security headers -----------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = OVER_TLS
SECURE_REDIRECT_EXEMPT = [r"^api/", r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if OVER_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = OVER_TLS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 33 * 1024 * 1024  # the API counts bodies itself, per operation
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000

# --- static files ---------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = LOCAL_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]

# --- files that come with claims; no address leads here, see claims/attachments.py -----------------------------------
MEDIA_ROOT = Path(env("ATTACHMENTS_DIR", default=str(LOCAL_DIR / "attachments")))
FILE_UPLOAD_PERMISSIONS = 0o600

REPORTS_KEPT_DAYS = env.int("REPORTS_KEPT_DAYS", default=0)  # 0: for ever

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "reviewqueue.web.static_files.HashedStaticFiles"},
    **env.json("MORE_STORAGES", default={}),
}

# --- how often callers of the API may come, per minute; a key may have a limit of its own -----------------------------
RATE_LIMIT_INTAKE = env.int("RATE_LIMIT_INTAKE", default=6_000)  # per key: claims posted or previewed
RATE_LIMIT_OTHER = env.int("RATE_LIMIT_OTHER", default=1_200)  # per key: everything else
RATE_LIMIT_FAILED = env.int("RATE_LIMIT_FAILED", default=120)  # per address: requests without a good key

# --- time, language -------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- REST -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["reviewqueue.api.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["reviewqueue.api.authentication.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["reviewqueue.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["reviewqueue.api.rendering.JSONRenderer"],
    "EXCEPTION_HANDLER": "reviewqueue.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}

# --- logs -----------------------------------------------------------------------------------------------------------
LOG_FORMAT = env("LOG_FORMAT", default="console")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "console": {"()": "reviewqueue.operations.logs.console_formatter"},
        "json": {"()": "reviewqueue.operations.logs.json_formatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},  # a sweep every few seconds; each says itself what it changed
        "celery.app.trace": {"level": "WARNING"},
    },
}
