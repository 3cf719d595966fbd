"""Business context: trees, allocation rules with previews, assignments, coverage."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_filters
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import TenantView, TenantViewSet
from accounts.models import Organization
from inventory.models import Resource

from . import queries, services, tasks
from .models import (
    AllocationRule,
    ContextAssignment,
    ContextNode,
    Dimension,
    Match,
    Measure,
    Method,
    RuleVersion,
)

MONEY: dict[str, Any] = {"max_digits": 24, "decimal_places": 6}
RESOURCES_LIMIT = 500
DAYS = timedelta(days=29)


def _refused(error: Exception, field: str = "non_field_errors") -> serializers.ValidationError:
    return serializers.ValidationError({field: [str(error)]})


def _restate(organization: Organization, since: str) -> None:
    """Costs follow in the background, once what was written stands."""
    tasks.restate.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
        organization_id=organization.pk, since=since
    )


class ContextNodeSerializer(serializers.ModelSerializer[ContextNode]):
    """One value of a dimension; `parent` is a node of the same dimension, null at the root."""

    parent = serializers.IntegerField(  # type: ignore[assignment]  # the framework's own fields have a parent
        source="parent_id", allow_null=True, default=None, min_value=1
    )

    class Meta:
        model = ContextNode
        fields = ["id", "dimension", "name", "parent", "code", "description"]
        validators: tuple[Any, ...] = ()


class ContextNodeFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    dimension = django_filters.ChoiceFilter(choices=Dimension.choices, label=_("Dimension"))

    class Meta:
        model = ContextNode
        fields: tuple[str, ...] = ()


class ContextNodeViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    TenantViewSet,
):
    """The trees, by dimension and name. A new name goes through rules, assignments and past costs."""

    queryset = ContextNode.objects.order_by("dimension", "name", "pk")
    serializer_class = ContextNodeSerializer
    filterset_class = ContextNodeFilter
    http_method_names = ["get", "post", "patch", "delete"]

    def perform_create(self, serializer: Any) -> None:
        self._save(serializer, None)

    def perform_update(self, serializer: Any) -> None:
        self._save(serializer, serializer.instance)

    def perform_destroy(self, instance: ContextNode) -> None:
        try:
            services.remove_node(node=instance)
        except services.NodeInUse as error:
            raise _refused(error) from error

    def _save(self, serializer: Any, node: ContextNode | None) -> None:
        given = {
            "name": node.name if node else "",
            "code": node.code if node else "",
            "description": node.description if node else "",
            "parent_id": node.parent_id if node else None,
            **serializer.validated_data,
        }
        dimension = node.dimension if node else given["dimension"]
        parent_pk = given.pop("parent_id")
        given.pop("dimension", None)
        parent = None
        if parent_pk is not None:
            parent = ContextNode.objects.of(self.organization).filter(pk=parent_pk).first()
            if parent is None:
                raise serializers.ValidationError({"parent": [_("There is no such node.")]})
        before = node.name if node else ""
        try:
            serializer.instance = services.save_node(
                organization=self.organization, dimension=dimension, node=node, parent=parent, **given
            )
        except services.AllocationError as error:
            raise _refused(error, "name") from error
        if node and before != given["name"]:
            _restate(self.organization, "")


class ConditionSerializer(serializers.Serializer[Any]):
    """`value` is a text, of the operator `in` a list of texts."""

    field = serializers.CharField(max_length=140)
    operator = serializers.CharField(max_length=10)
    value = serializers.JSONField(default="")  # type: ignore[arg-type]  # JSON is also a text


class TargetSerializer(serializers.Serializer[Any]):
    """`weight` for fixed parts; `metric`, a unit metric, for parts in proportion to `units`."""

    name = serializers.CharField(max_length=100)
    weight = serializers.CharField(max_length=20, default="")
    metric = serializers.IntegerField(min_value=1, required=False)


class RuleSerializer(serializers.Serializer[Any]):
    """What a rule says from `since` (a day, today where it is left out) on."""

    name = serializers.CharField(max_length=120)
    match = serializers.ChoiceField(choices=Match.choices, default=Match.ALL)
    conditions = ConditionSerializer(many=True)
    method = serializers.ChoiceField(choices=Method.choices, default=Method.DIRECT)
    values = serializers.DictField(child=serializers.CharField(max_length=100), default=dict)
    dimension = serializers.ChoiceField(choices=Dimension.choices, default="", allow_blank=True)
    targets = TargetSerializer(many=True, default=list)
    measure = serializers.ChoiceField(choices=Measure.choices, default="", allow_blank=True)
    since = serializers.DateField(required=False)
    before = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        help_text="The rule that it stands before, null for after all; left out, it stays, and a new one stands last.",
    )

    def said(self, organization: Organization) -> tuple[services.Draft, date, services.Place | None]:
        """Raises ValidationError where there is no such rule to stand before."""
        given = dict(self.validated_data)
        given.pop("rule", None)
        since = given.pop("since", None) or timezone.localdate()
        place = None
        if "before" in given:
            place = services.Place(_rule(organization, "before", given.pop("before")))
        return services.Draft(**given), since, place


class PreviewedSerializer(RuleSerializer):
    """A new rule, or what `rule` would say from now on."""

    rule = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)


def _rule(organization: Organization, field: str, pk: int | None) -> AllocationRule | None:
    if pk is None:
        return None
    rule = AllocationRule.objects.of(organization).filter(pk=pk).first()
    if rule is None:
        raise serializers.ValidationError({field: [_("There is no such rule.")]})
    return rule


class RuleVersionSerializer(serializers.ModelSerializer[RuleVersion]):
    """One version of a rule: what it says on the days from `valid_from` to before `valid_until`."""

    class Meta:
        model = RuleVersion
        fields = [
            "valid_from",
            "valid_until",
            "is_on",
            "position",
            "match",
            "conditions",
            "method",
            "values",
            "dimension",
            "targets",
            "measure",
        ]


class StoredRuleSerializer(serializers.ModelSerializer[AllocationRule]):
    """A rule with its versions, the newest first."""

    versions = serializers.SerializerMethodField()

    class Meta:
        model = AllocationRule
        fields = ["id", "name", "versions"]

    @extend_schema(responses=RuleVersionSerializer(many=True))
    def get_versions(self, rule: AllocationRule) -> list[dict[str, Any]]:
        versions = sorted(rule.versions.all(), key=lambda each: each.valid_from, reverse=True)
        return list(RuleVersionSerializer(versions, many=True).data)


class MoveSerializer(serializers.Serializer[Any]):
    resource = serializers.IntegerField(source="resource_pk")
    name = serializers.CharField()
    dimension = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    monthly_cost_rub = serializers.DecimalField(allow_null=True, **MONEY)
    spend_rub = serializers.DecimalField(**MONEY)


class PreviewSerializer(serializers.Serializer[Any]):
    """What a rule would move; roubles a month at the run rate, and of the last thirty days."""

    matched_count = serializers.IntegerField()
    resource_count = serializers.IntegerField()
    monthly_cost_rub = serializers.DecimalField(**MONEY)
    spend_rub = serializers.DecimalField(**MONEY)
    moves = MoveSerializer(many=True)
    more_count = serializers.IntegerField()


class SwitchSerializer(serializers.Serializer[Any]):
    on = serializers.BooleanField()
    since = serializers.DateField(required=False)


class OrderSerializer(serializers.Serializer[Any]):
    up = serializers.BooleanField()
    since = serializers.DateField(required=False)


class AllocationRuleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Allocation rules; a change closes the version of the days before and opens another, costs follow shortly."""

    queryset = AllocationRule.objects.prefetch_related("versions").order_by("pk")
    serializer_class = StoredRuleSerializer

    @extend_schema(request=RuleSerializer, responses={201: StoredRuleSerializer})
    def create(self, request: Request) -> Response:
        return self._save(request, None)

    @extend_schema(request=RuleSerializer, responses=StoredRuleSerializer)
    def update(self, request: Request, pk: str) -> Response:
        """Says what the rule says from a day on."""
        return self._save(request, self.get_object())

    @extend_schema(request=PreviewedSerializer, responses=PreviewSerializer)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """What such a rule would move at its place; writes nothing."""
        given = self._given(PreviewedSerializer, request)
        draft, since, place = given.said(self.organization)
        rule = _rule(self.organization, "rule", given.validated_data["rule"])
        try:
            version = services.unsaved_version(self.organization, draft, since=since, rule=rule, place=place)
        except services.InvalidRule as error:
            raise _refused(error) from error
        found = queries.preview(self.organization, version, today=timezone.localdate(), in_place_of=rule)
        return Response(PreviewSerializer(found).data)

    @extend_schema(request=SwitchSerializer, responses=StoredRuleSerializer)
    @action(detail=True, methods=["post"])
    def switch(self, request: Request, pk: str) -> Response:
        """Switches it on or off from a day on."""
        rule, given = self.get_object(), self._given(SwitchSerializer, request).validated_data
        since = given.get("since") or timezone.localdate()
        services.switch_rule(rule=rule, on=given["on"], since=since, by=self.acting_user)
        return self._answer(rule, since)

    @extend_schema(request=OrderSerializer, responses=StoredRuleSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        """Lets it change places with the rule before it (`up`) or after it from a day on."""
        rule, given = self.get_object(), self._given(OrderSerializer, request).validated_data
        since = given.get("since") or timezone.localdate()
        services.move_rule(rule=rule, up=given["up"], since=since, by=self.acting_user)
        return self._answer(rule, since)

    def _save(self, request: Request, rule: AllocationRule | None) -> Response:
        draft, since, place = self._given(RuleSerializer, request).said(self.organization)
        try:
            saved = services.save_rule(
                organization=self.organization,
                draft=draft,
                since=since,
                by=self.acting_user,
                rule=rule,
                place=place,
            )
        except services.InvalidRule as error:
            raise _refused(error) from error
        return self._answer(saved, since, status.HTTP_200_OK if rule else status.HTTP_201_CREATED)

    def _given(self, serializer: Any, request: Request) -> Any:
        given = serializer(data=request.data)
        given.is_valid(raise_exception=True)
        return given

    def _answer(self, rule: AllocationRule, since: date, code: int = status.HTTP_200_OK) -> Response:
        _restate(self.organization, since.isoformat())
        fresh = self.get_queryset().get(pk=rule.pk)
        return Response(StoredRuleSerializer(fresh).data, status=code)


class AssignmentSerializer(serializers.ModelSerializer[ContextAssignment]):
    """What a person said of a resource, from `valid_from` to before `valid_until`."""

    resource = serializers.IntegerField(source="resource_id")

    class Meta:
        model = ContextAssignment
        fields = ["id", "resource", "dimension", "value", "valid_from", "valid_until"]


class AssigningSerializer(serializers.Serializer[Any]):
    """An empty `value` leaves the resources to rules again."""

    resources = serializers.ListField(
        child=serializers.IntegerField(min_value=1), min_length=1, max_length=RESOURCES_LIMIT
    )
    dimension = serializers.ChoiceField(choices=Dimension.choices)
    value = serializers.CharField(max_length=100, allow_blank=True)
    since = serializers.DateField(required=False)


class AssignedSerializer(serializers.Serializer[Any]):
    resource_count = serializers.IntegerField()


class AssignmentViewSet(mixins.ListModelMixin, TenantViewSet):
    """What people said of resources; beats every rule. The latest first."""

    queryset = ContextAssignment.objects.order_by("-valid_from", "-pk")
    serializer_class = AssignmentSerializer

    @extend_schema(request=AssigningSerializer, responses=AssignedSerializer)
    def create(self, request: Request) -> Response:
        """Says what resources are from a day on."""
        given = AssigningSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        since = values.get("since") or timezone.localdate()
        wanted = set(values["resources"])
        resources = list(
            Resource.objects.of(self.organization)
            .filter(pk__in=wanted)
            .select_related("organization", "connection")
        )
        if len(resources) < len(wanted):
            raise serializers.ValidationError({"resources": [_("Some of these resources do not exist.")]})
        count = services.set_context(
            resources=resources,
            dimension=values["dimension"],
            value=values["value"],
            since=since,
            by=self.acting_user,
        )
        _restate(self.organization, since.isoformat())
        return Response({"resource_count": count})


class CoverageSerializer(serializers.Serializer[Any]):
    """Roubles billed; `share` in per cent, null without cost; `by_provenance` {person, rule, provider, guess: roubles}."""

    dimension = serializers.CharField()
    whole = serializers.DecimalField(**MONEY)
    covered = serializers.DecimalField(**MONEY)
    share = serializers.DecimalField(max_digits=5, decimal_places=1, allow_null=True)
    by_provenance = serializers.DictField(child=serializers.DecimalField(**MONEY))


class PeriodSerializer(serializers.Serializer[Any]):
    first = serializers.DateField(required=False)
    last = serializers.DateField(required=False)


class CoverageView(TenantView):
    """How much of the cost has a value in each dimension."""

    queryset = ContextNode.objects.all()
    pagination_class = None

    @extend_schema(parameters=[PeriodSerializer], responses=CoverageSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Of the days `first` to `last`; the last thirty where they are left out."""
        given = PeriodSerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        last = given.validated_data.get("last") or timezone.localdate()
        first = given.validated_data.get("first") or max(date.min + DAYS, last) - DAYS
        found = queries.coverage(self.organization, first=first, last=last)
        return Response(CoverageSerializer(found, many=True).data)
