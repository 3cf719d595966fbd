"""What the dashboard says of recommendations."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import MembershipFactory
from recommendations.tests.factories import ConnectionEvaluationFactory, RecommendationFactory
from syncs.tests.factories import ResourceStateFactory


@pytest.fixture
def state(db: None) -> Any:
    """A server at 22 roubles a day: 660 a month."""
    return ResourceStateFactory()


@pytest.fixture
def page(client: Client, state: Any) -> Callable[[], str]:
    client.force_login(MembershipFactory(organization=state.organization, role="owner").user)
    return lambda: client.get(reverse("dashboard")).content.decode()


def test_savings_are_told_with_their_share_of_the_run_rate(page: Callable[[], str], state: Any) -> None:
    RecommendationFactory(resource=state.resource, saving_monthly=Decimal(165))

    text = page()

    assert "₽165.00" in text
    assert "<strong>25.0%</strong> of the run rate" in text
    assert "1 recommendation" in text
    assert "Delete it" in text


def test_what_was_proven_is_told(page: Callable[[], str], state: Any) -> None:
    RecommendationFactory(resource=state.resource)
    RecommendationFactory(resource__connection=state.connection, verified=True)

    assert "proven so far: ₽270.00 a month" in page()


def test_dismissed_excluded_and_strangers_savings_are_not_told(page: Callable[[], str], state: Any) -> None:
    ConnectionEvaluationFactory(connection=state.connection)
    RecommendationFactory(resource=state.resource, dismissed=True)
    RecommendationFactory(resource__connection=state.connection, is_excluded=True, counted_monthly_rub=0)
    RecommendationFactory(saving_monthly=Decimal(777))

    text = page()

    assert "No rule has found anything to save." in text
    assert "777" not in text


def test_before_the_first_evaluation_no_figure_is_shown(page: Callable[[], str], state: Any) -> None:
    assert "no rule has been asked yet" in page()
