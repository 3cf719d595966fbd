"""Policies and their violations for scripts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import TenantViewSet
from accounts.models import User
from costs.explorer.queries import today_of
from recommendations import wording
from recommendations.forms import members_of
from recommendations.policies import decisions, queries, services, tasks
from recommendations.policies.contract import InvalidParameters
from recommendations.policies.filters import ViolationFilter
from recommendations.policies.kinds import KINDS
from recommendations.policies.models import GRACE_LIMIT, Policy, Violation
from recommendations.rulebook import InvalidOption
from recommendations.schedules.models import PowerSchedule

NAMES = ("name", "scope", "parameters", "schedule", "is_enabled", "grace_days", "notifies")


class PolicySerializer(serializers.ModelSerializer[Policy]):
    """`parameters` are the kind's: see the documentation of policies. The kind of a policy that is there stays.

    `scope` is a query string of the cost explorer's filters, empty for everything.
    """

    kind = serializers.ChoiceField(choices=[(key, key) for key in KINDS])
    parameters = serializers.DictField(required=False, default=dict)
    schedule: Any = serializers.PrimaryKeyRelatedField(
        queryset=PowerSchedule.objects.none(), required=False, allow_null=True
    )
    grace_days = serializers.IntegerField(min_value=0, max_value=GRACE_LIMIT, required=False)
    open_count = serializers.IntegerField(read_only=True)
    overdue_count = serializers.IntegerField(read_only=True)
    excepted_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Policy
        fields = [
            "id",
            "kind",
            *NAMES,
            "created_at",
            "open_count",
            "overdue_count",
            "excepted_count",
        ]
        read_only_fields = ["created_at"]

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        organization = self.context.get("organization")
        if organization is not None and not fields["schedule"].read_only:
            fields["schedule"].queryset = PowerSchedule.objects.of(organization)
        return fields


class ViolationSerializer(serializers.ModelSerializer[Violation]):
    """Without a resource it is the whole scope. `owner` is the resource's in the business context."""

    policy = serializers.IntegerField(source="policy_id")
    policy_name = serializers.CharField(source="policy.name")
    kind = serializers.CharField(source="policy.kind")
    connection = serializers.IntegerField(source="connection_id", allow_null=True)
    resource = serializers.IntegerField(source="resource_id", allow_null=True)
    resource_name = serializers.CharField(source="resource.name", default="")
    why = serializers.SerializerMethodField()
    owner = serializers.CharField()
    assigned_to = serializers.IntegerField(source="assigned_to_id", allow_null=True)
    excepted_by = serializers.IntegerField(source="excepted_by_id", allow_null=True)
    is_overdue = serializers.BooleanField()

    class Meta:
        model = Violation
        fields = [
            "id",
            "policy",
            "policy_name",
            "kind",
            "connection",
            "resource",
            "resource_name",
            "status",
            "why",
            "owner",
            "assigned_to",
            "first_seen_at",
            "last_seen_at",
            "unchecked_since",
            "due_date",
            "is_overdue",
            "excepted_until",
            "exception_reason",
            "excepted_by",
            "resolved_at",
        ]

    def get_why(self, row: Violation) -> str:
        return wording.text(row.why)


class ExceptionSerializer(serializers.Serializer[Any]):
    """Until the end of a day, with a reason."""

    until = serializers.DateField()
    reason = serializers.CharField(max_length=1000)


class AssigneeSerializer(serializers.Serializer[Any]):
    """A person of the organization, or null."""

    to = serializers.PrimaryKeyRelatedField(queryset=User.objects.none(), allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        organization = self.context.get("organization")
        if organization is not None:
            fields["to"].queryset = members_of(organization)
        return fields


class PolicyViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TenantViewSet
):
    """What the organization demands of its resources."""

    queryset = Policy.objects.order_by("name", "pk")
    serializer_class = PolicySerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        return rows if self.is_schema else queries.with_counts(rows, self._today())

    @extend_schema(responses={201: PolicySerializer})
    def create(self, request: Request) -> Response:
        """Makes one; resources are held against it at once."""
        given = PolicySerializer(data=request.data, context={"organization": self.organization})
        given.is_valid(raise_exception=True)
        return Response(self._saved(dict(given.validated_data), None), status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Changes it; parameters are given whole."""
        row = self.get_object()
        context = {"organization": self.organization}
        given = PolicySerializer(row, data=request.data, partial=True, context=context)
        given.is_valid(raise_exception=True)
        values = {name: getattr(row, name) for name in NAMES} | given.validated_data
        if values.pop("kind", row.kind) != row.kind:
            raise serializers.ValidationError({"kind": [_("The kind of a policy stays; make another one.")]})
        return Response(self._saved({**values, "kind": row.kind}, row))

    def perform_destroy(self, instance: Policy) -> None:
        services.delete_policy(policy=instance, by=self.acting_user)

    def _saved(self, given: dict[str, Any], row: Policy | None) -> Any:
        try:
            saved = services.save_policy(
                organization=self.organization, by=self.acting_user, policy=row, **given
            )
        except (InvalidOption, InvalidParameters) as error:
            raise serializers.ValidationError({"parameters": [str(error)]}) from error
        except services.BadScope as error:
            raise serializers.ValidationError(
                {"scope": [_("This filter asks for something that resources themselves do not have.")]}
            ) from error
        except services.NameTaken as error:
            raise serializers.ValidationError(
                {"name": [_("There is one of this name already; choose another.")]}
            ) from error
        tasks.check_organization.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
            organization_id=self.organization.pk
        )
        return PolicySerializer(self.get_queryset().get(pk=saved.pk)).data

    def _today(self) -> Any:
        return today_of(self.organization, timezone.now())


class ViolationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """What breaks policies, what is due first."""

    queryset = Violation.objects.order_by("due_date", "pk")
    serializer_class = ViolationSerializer
    filterset_class = ViolationFilter

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        if self.is_schema:
            return rows
        return queries.with_overdue(rows, today_of(self.organization, timezone.now()))

    @extend_schema(request=ExceptionSerializer, responses=ViolationSerializer)
    @action(detail=True, methods=["post"], url_path="except")
    def make_exception(self, request: Request, pk: str) -> Response:
        """It may stay so until a day."""
        return self._decided("except", ExceptionSerializer(data=request.data), "until")

    @extend_schema(request=None, responses=ViolationSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Ends its exception."""
        return self._decided("reopen", None, "status")

    @extend_schema(request=AssigneeSerializer, responses=ViolationSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Gives it to a person of the organization, or to nobody."""
        context = {"organization": self.organization}
        return self._decided("assign", AssigneeSerializer(data=request.data, context=context), "to")

    def _decided(self, name: str, given: serializers.Serializer[Any] | None, field: str) -> Response:
        row = self.get_object()
        values: dict[str, Any] = {}
        if given is not None:
            given.is_valid(raise_exception=True)
            values = given.validated_data
        try:
            decisions.carry_out(row, {"action": name, **values}, by=self.acting_user, now=timezone.now())
        except decisions.Refused as error:
            raise serializers.ValidationError({field: [str(error)]}) from error
        return Response(ViolationSerializer(self.get_object()).data)
