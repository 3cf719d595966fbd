"""Addresses of the API, below `/api/`. An endpoint is its app's; here it only gets its place."""

from django.http import Http404
from django.urls import include, path, re_path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from accounts.organization_api import InvitationViewSet, MemberViewSet, OrganizationViewSet
from costs.allocation.api import (
    AllocationRuleViewSet,
    AssignmentViewSet,
    ContextNodeViewSet,
    CoverageView,
)
from costs.anomalies.api import AnomalyViewSet
from costs.api import DailyCostViewSet, ExchangeRateViewSet
from costs.budgets.api import BudgetViewSet, ForecastView, PlannedChangeViewSet
from costs.explorer.api import DifferenceView, ExploreView, ReconciliationView, SavedViewViewSet
from costs.focus.api import FocusExportView
from costs.reports.api import ReportRunViewSet, ReportViewSet
from costs.unit_costs.api import UnitMetricViewSet
from providers.api import ConnectionViewSet, ProviderViewSet
from recommendations.api import (
    EvaluationReportView,
    ExclusionViewSet,
    RecommendationViewSet,
    ResourceOutcomesView,
    RuleViewSet,
)
from recommendations.policies.api import PolicyViewSet, ViolationViewSet
from recommendations.prices.api import PriceComparisonView, PriceViewSet
from recommendations.schedules.api import PowerScheduleViewSet
from syncs.api.completes import CompleteSyncViewSet
from syncs.api.imports import ImportViewSet
from syncs.api.resources import ResourceViewSet, StateViewSet
from syncs.api.snapshots import ConnectionSync, SnapshotViewSet

app_name = "api"


@extend_schema(exclude=True)
class Nothing(APIView):
    """An address that is none: a problem, not a page."""

    permission_classes = ()

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise Http404

    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        raise Http404


router = SimpleRouter()
router.register("organizations", OrganizationViewSet, basename="organization")
router.register("members", MemberViewSet, basename="member")
router.register("invitations", InvitationViewSet, basename="invitation")
router.register("providers", ProviderViewSet, basename="provider")
router.register("connections", ConnectionViewSet, basename="connection")
router.register("snapshots", SnapshotViewSet, basename="snapshot")
router.register("complete-syncs", CompleteSyncViewSet, basename="complete_sync")
router.register("states", StateViewSet, basename="state")
router.register("resources", ResourceViewSet, basename="resource")
router.register("daily-costs", DailyCostViewSet, basename="daily_cost")
router.register("budgets", BudgetViewSet, basename="budget")
router.register("planned-changes", PlannedChangeViewSet, basename="planned_change")
router.register("allocation-rules", AllocationRuleViewSet, basename="allocation_rule")
router.register("assignments", AssignmentViewSet, basename="assignment")
router.register("context-nodes", ContextNodeViewSet, basename="context_node")
router.register("anomalies", AnomalyViewSet, basename="anomaly")
router.register("recommendations", RecommendationViewSet, basename="recommendation")
router.register("recommendation-rules", RuleViewSet, basename="recommendation_rule")
router.register("exclusions", ExclusionViewSet, basename="exclusion")
router.register("policies", PolicyViewSet, basename="policy")
router.register("violations", ViolationViewSet, basename="violation")
router.register("power-schedules", PowerScheduleViewSet, basename="power_schedule")
router.register("unit-metrics", UnitMetricViewSet, basename="unit_metric")
router.register("reports", ReportViewSet, basename="report")
router.register("report-runs", ReportRunViewSet, basename="report_run")
router.register("saved-views", SavedViewViewSet, basename="saved_view")
router.register("prices", PriceViewSet, basename="price")
router.register("imports", ImportViewSet, basename="import")
router.register("exchange-rates", ExchangeRateViewSet, basename="exchange_rate")

v1 = [
    path("explore/", ExploreView.as_view(), name="explore"),
    path("difference/", DifferenceView.as_view(), name="difference"),
    path("reconciliation/", ReconciliationView.as_view(), name="reconciliation"),
    path("evaluation-report/", EvaluationReportView.as_view(), name="evaluation-report"),
    path("resources/<int:pk>/outcomes/", ResourceOutcomesView.as_view(), name="resource-outcomes"),
    path("coverage/", CoverageView.as_view(), name="coverage"),
    path("focus-export/", FocusExportView.as_view(), name="focus-export"),
    path("connections/<int:pk>/sync/", ConnectionSync.as_view(), name="connection-sync"),
    path("price-comparison/", PriceComparisonView.as_view(), name="price-comparison"),
    path("forecast/", ForecastView.as_view(), name="forecast"),
    *router.urls,
]

urlpatterns = [
    path("v1/", include(v1)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(url_name="api:schema", template_name="api/docs.html"),
        name="docs",
    ),
    re_path(r"^.*/$", Nothing.as_view(), name="nothing"),
]
