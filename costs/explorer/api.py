"""The explorer for scripts: views, saved views, differences and reconciliation."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import TenantView, TenantViewSet
from costs.explorer import services
from costs.explorer.asked import asked_difference, asked_month
from costs.explorer.difference import difference
from costs.explorer.models import SavedView
from costs.explorer.queries import explore, today_of
from costs.explorer.reconciliation import month_sums, reconciled_months
from costs.explorer.saved import visible_views
from costs.explorer.view import CHARTS, MEASURES, STEPS, parse_view
from providers.models import ProviderConnection

MONEY: dict[str, Any] = {"max_digits": 24, "decimal_places": 6}
FILTER_NOTE = (
    "Besides, filters: `connection=3`, `not.type=server`, `tag.team=web`, `environment=~` (without one), "
    "`name=prod`; any may be given several times."
)
VIEW_PARAMETERS = [
    OpenApiParameter("measure", str, enum=list(MEASURES), description="`billed` without it."),
    OpenApiParameter(
        "period",
        str,
        description="`last_30_days`, `this_month`, `2026-10`, `2026-10-01..2026-10-31` and others; "
        + FILTER_NOTE,
    ),
    OpenApiParameter("step", str, enum=list(STEPS)),
    OpenApiParameter("group", str, many=True, description="At most two dimensions, or `none`."),
    OpenApiParameter("compare", str, description="`previous`, `month`, `year`, `none` or a period."),
    OpenApiParameter("min", str, description="Rows from so many roubles."),
    OpenApiParameter("max", str, description="Rows up to so many roubles."),
    OpenApiParameter(
        "sort", str, description="`total`, `before`, `difference`, `name`; `-` turns it around."
    ),
    OpenApiParameter("chart", str, enum=list(CHARTS), description="How many series: a doughnut has few."),
]


class SpanSerializer(serializers.Serializer[Any]):
    """Days, both included."""

    first = serializers.DateField()
    last = serializers.DateField()


class ExplorerRowSerializer(serializers.Serializer[Any]):
    """One group in roubles; null where nothing is known in roubles, which is not 0."""

    key = serializers.ListField(child=serializers.CharField(allow_blank=True))
    labels = serializers.ListField(child=serializers.CharField())
    total = serializers.DecimalField(**MONEY, allow_null=True)
    before = serializers.DecimalField(**MONEY, allow_null=True)
    difference = serializers.DecimalField(**MONEY, allow_null=True)
    unconverted = serializers.DictField(child=serializers.DecimalField(**MONEY))


class ExplorerSeriesSerializer(serializers.Serializer[Any]):
    """One group over time, a value for each bucket."""

    label = serializers.CharField()  # type: ignore[assignment]  # the framework's fields have one too
    values = serializers.ListField(child=serializers.DecimalField(**MONEY, allow_null=True))


class ExplorationSerializer(serializers.Serializer[Any]):
    """What a view shows, in roubles; of a run rate roubles a month (30 days). Rows, `shared` and `rest` add up to `whole`."""

    view = serializers.SerializerMethodField(help_text="The canonical query string.")
    measure = serializers.CharField(source="view.measure")
    span = SpanSerializer()
    compared = SpanSerializer(allow_null=True)
    rows = ExplorerRowSerializer(many=True)
    rest = ExplorerRowSerializer(allow_null=True)
    shared = ExplorerRowSerializer(allow_null=True)
    whole = ExplorerRowSerializer()
    buckets = serializers.ListField(child=serializers.DateField())
    series = ExplorerSeriesSerializer(many=True)
    incomplete = serializers.ListField(child=serializers.DateField())
    known_since = serializers.DateField(allow_null=True)
    unconverted = serializers.DictField(child=serializers.DecimalField(**MONEY))
    problems = serializers.SerializerMethodField(help_text="What could not be read and was left out.")

    def get_view(self, found: Any) -> str:
        return str(found.view.query_string())

    def get_problems(self, found: Any) -> list[str]:
        return list(self.context["problems"])


class ExploreView(TenantView):
    """Costs grouped, filtered and compared."""

    queryset = SavedView.objects.all()
    serializer_class = ExplorationSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(
        operation_id="explore_retrieve",
        tags=["explore"],
        parameters=VIEW_PARAMETERS,
        responses=ExplorationSerializer,
    )
    def get(self, request: Request) -> Response:
        """The parameters are those of the page's address; what cannot be read is told in `problems`."""
        now = timezone.now()
        parsed = parse_view(dict(request.query_params.lists()), today_of(self.organization, now))
        found = explore(self.organization, parsed.view, now)
        return Response(ExplorationSerializer(found, context={"problems": parsed.problems}).data)


class EffectSerializer(serializers.Serializer[Any]):
    """What a cause did to one resource; a price tells what was priced, from what to what."""

    resource = serializers.IntegerField(source="resource_id")
    amount = serializers.DecimalField(**MONEY)
    label = serializers.CharField()  # type: ignore[assignment]  # the framework's fields have one too
    unit = serializers.CharField()
    price_before = serializers.DecimalField(max_digits=30, decimal_places=12, allow_null=True)
    price_after = serializers.DecimalField(max_digits=30, decimal_places=12, allow_null=True)


class CauseSerializer(serializers.Serializer[Any]):
    """One cause with its effects, the largest first."""

    cause = serializers.CharField()
    amount = serializers.DecimalField(**MONEY)
    effects = EffectSerializer(many=True)


class DifferenceSerializer(serializers.Serializer[Any]):
    """Two periods' billed spend in roubles; the causes add up to `amount`."""

    before = SpanSerializer()
    after = SpanSerializer()
    before_total = serializers.DecimalField(**MONEY, allow_null=True)
    after_total = serializers.DecimalField(**MONEY, allow_null=True)
    amount = serializers.DecimalField(**MONEY)
    unexplained = serializers.DecimalField(**MONEY)
    causes = CauseSerializer(many=True)
    unconverted = serializers.ListField(child=serializers.CharField())
    revised = serializers.IntegerField()


class DifferenceView(TenantView):
    """Why two periods cost differently."""

    queryset = SavedView.objects.all()
    serializer_class = DifferenceSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(
        operation_id="difference_retrieve",
        tags=["difference"],
        parameters=[
            OpenApiParameter("before", str, description="A period; the one before `after` without it."),
            OpenApiParameter("after", str, description="A period; last month without it. " + FILTER_NOTE),
        ],
        responses=DifferenceSerializer,
    )
    def get(self, request: Request) -> Response:
        """The difference between two periods, cause by cause and resource by resource."""
        asked = asked_difference(
            dict(request.query_params.lists()), today_of(self.organization, timezone.now())
        )
        if asked.problems:
            raise serializers.ValidationError({"detail": list(asked.problems)})
        found = difference(self.organization, asked.before, asked.after, asked.filters)
        return Response(DifferenceSerializer(found).data)


class ReportedMonthSerializer(serializers.Serializer[Any]):
    """The provider's own report of a month; `counted` is without what it leaves out."""

    amount = serializers.DecimalField(**MONEY)
    counted = serializers.DecimalField(**MONEY)
    left_out = serializers.DecimalField(**MONEY)
    difference = serializers.DecimalField(**MONEY)


class ConnectionMonthSerializer(serializers.Serializer[Any]):
    """One connection's month in one currency; `billed` is null where the provider states no total.

    `reported` is null where the provider reports no months, or not this one.
    """

    connection = serializers.IntegerField(source="connection.pk")
    month = SpanSerializer()
    currency = serializers.CharField()
    basis = serializers.CharField(help_text="`lines` as delivered, or `account_rate` × time.")
    billed = serializers.DecimalField(**MONEY, allow_null=True)
    counted = serializers.DecimalField(**MONEY)
    difference = serializers.DecimalField(**MONEY, allow_null=True)
    not_itemised = serializers.DecimalField(**MONEY)
    reported = ReportedMonthSerializer(allow_null=True)


class MonthReconciliationSerializer(serializers.Serializer[Any]):
    """All connections; the percentage is of those in roubles whose provider states a total."""

    explained_percent = serializers.DecimalField(max_digits=9, decimal_places=4, allow_null=True)
    connections = ConnectionMonthSerializer(many=True)


class ReconciliationView(TenantView):
    """A month's bill against what is counted."""

    queryset = SavedView.objects.all()
    serializer_class = MonthReconciliationSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(
        operation_id="reconciliation_retrieve",
        tags=["reconciliation"],
        parameters=[OpenApiParameter("month", str, description="`2026-10`; the last whole one without it.")],
        responses=MonthReconciliationSerializer,
    )
    def get(self, request: Request) -> Response:
        """The provider's own total of each connection, ours, and the difference."""
        month = asked_month(
            request.query_params.get("month", ""), today_of(self.organization, timezone.now())
        )
        connections = ProviderConnection.objects.of(self.organization).order_by("pk")
        rows = reconciled_months(self.organization, month, list(connections))
        sums = month_sums(rows)
        answer = {"explained_percent": sums.explained_percent if sums else None, "connections": rows}
        return Response(MonthReconciliationSerializer(answer).data)


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    """A view under a name; `query` is kept in its canonical form."""

    owner = serializers.IntegerField(source="owner_id", read_only=True, allow_null=True)
    query = serializers.CharField(allow_blank=True, max_length=20_000)

    class Meta:
        model = SavedView
        fields = ["id", "name", "query", "is_shared", "owner", "created_at", "updated_at"]


class SavedViewViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TenantViewSet
):
    """One's own views and those that the organization shares."""

    queryset = SavedView.objects.order_by("name", "pk")
    serializer_class = SavedViewSerializer
    filter_backends = ()

    def get_queryset(self) -> Any:
        return SavedView.objects.none() if self.is_schema else visible_views(self.membership)

    @extend_schema(responses={201: SavedViewSerializer})
    def create(self, request: Request) -> Response:
        """Keeps a view under a name that none of one's own has."""
        given = SavedViewSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        view = _answered(
            services.save_view,
            membership=self.membership,
            name=values["name"],
            query=values["query"],
            is_shared=values.get("is_shared", False),
            today=today_of(self.organization, timezone.now()),
        )
        return Response(SavedViewSerializer(view).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Renames, shares or shows something else; its owner's to do."""
        view = self.get_object()
        given = SavedViewSerializer(view, data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        changed = _answered(
            services.change_view,
            membership=self.membership,
            view=view,
            today=today_of(self.organization, timezone.now()),
            **given.validated_data,
        )
        return Response(SavedViewSerializer(changed).data)

    def perform_destroy(self, instance: SavedView) -> None:
        _answered(services.delete_view, membership=self.membership, view=instance)


def _answered(service: Any, **given: Any) -> Any:
    """The service's answer; a rule that forbids it as a problem. Somebody else's view is not there to be changed."""
    try:
        return service(**given)
    except services.NameTaken as error:
        raise serializers.ValidationError({"name": [_("You have a view of that name already.")]}) from error
    except services.TooMany as error:
        raise serializers.ValidationError(
            {"detail": [_("There are enough of them in this organization. Delete one that nobody needs.")]}
        ) from error
    except services.NotYours as error:
        raise NotFound from error
