"""The API against its own OpenAPI document: requests that nobody thought of, with a token that may do everything.

No answer is an error of ours, every answer is as the document says, and nothing of another organization is in any.
More requests for each operation: `SCHEMATHESIS_EXAMPLES=200`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.tests.factories import MembershipFactory
from accounts.tokens.models import Scope
from accounts.tokens.tests.factories import token_of
from infrazen.tests.estate import MARK, marked_estate
from infrazen.wsgi import application
from providers.tests.conftest import fake_provider as fake_provider
from providers.tests.factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "8"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """The database's connection outlives a request, as under the test client: it holds the test's transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def document() -> dict[str, Any]:
    generated: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(json.dumps(generated, default=str))


def test_the_api_keeps_its_word(settings, fake_provider, kept_connection) -> None:
    settings.API_CALLS_PER_MINUTE = 1_000_000
    marked_estate()
    owner = MembershipFactory()
    ConnectionFactory(organization=owner.organization)
    _token, header = token_of(owner, Scope.WRITE)
    schema = schemathesis.openapi.from_dict(document())
    schema.app = application
    asked: Counter[str] = Counter()

    def hold(case: Case) -> None:
        asked[case.operation.label] += 1
        with transaction.atomic():  # each request meets the same rows
            response = case.call(headers={"Authorization": header["HTTP_AUTHORIZATION"]})
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)
        assert MARK.encode() not in response.content

    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:
        run = hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(case=operation.as_strategy())(lambda case: hold(case)))
        run()

    assert len(operations) > 30
    assert min(asked.values()) >= 1
    assert set(asked) == {operation.label for operation in operations}
