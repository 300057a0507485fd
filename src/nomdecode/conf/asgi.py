import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nomdecode.conf.settings")
_django = get_asgi_application()

from nomdecode.conf.bodies import limited  # noqa: E402 (needs Django set up)
from nomdecode.lever.receiving.receiver import in_front_of  # noqa: E402

application = in_front_of(limited(_django))
