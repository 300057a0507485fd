import pytest

import factories
from nomdecode.orgs.models import Member


@pytest.fixture
def admin(db: None) -> Member:
    return factories.member(name="Ada Byron")
