"""Power schedules for scripts: the calendars and what they would save."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import TenantViewSet
from recommendations.schedules import exports, queries, services
from recommendations.schedules.models import PowerSchedule


class PowerScheduleSerializer(serializers.ModelSerializer[PowerSchedule]):
    """`windows` are [[weekday, from, to]] in the organization's time zone, Monday is 0, the end exclusive.

    `scope` is a query string of the cost explorer's filters.
    """

    windows: Any = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=3, max_length=3),
        min_length=1,
        max_length=70,
    )

    class Meta:
        model = PowerSchedule
        fields = ["id", "name", "windows", "rests_on_holidays", "scope", "note", "created_at"]
        read_only_fields = ["created_at"]


class ScheduledResourceSerializer(serializers.Serializer[Any]):
    """Amounts a month in `currency`; a null saving with the `reason`."""

    resource = serializers.IntegerField(source="resource_pk")
    name = serializers.CharField()
    resource_type = serializers.CharField()
    currency = serializers.CharField()
    monthly = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)
    saving = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)
    how = serializers.CharField()
    reason = serializers.CharField()


class SchedulePlanSerializer(serializers.Serializer[Any]):
    """`saving` in roubles a month; hours off are a mean of the year to come."""

    saving = serializers.DecimalField(max_digits=24, decimal_places=6)
    off_hours_of_month = serializers.FloatField(source="rest.off_hours_of_month")
    off_days_of_year = serializers.IntegerField(source="rest.off_days")
    resources = ScheduledResourceSerializer(many=True, source="rows")
    cron = serializers.CharField()
    text = serializers.CharField()


class PowerScheduleViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TenantViewSet
):
    """Calendars of what need not run always. Nothing is switched by them."""

    queryset = PowerSchedule.objects.select_related("organization").order_by("name", "pk")
    serializer_class = PowerScheduleSerializer
    filter_backends = ()

    @extend_schema(responses={201: PowerScheduleSerializer})
    def create(self, request: Request) -> Response:
        """Makes one."""
        given = PowerScheduleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = self._saved(given.validated_data, None)
        return Response(PowerScheduleSerializer(row).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Changes it."""
        row = self.get_object()
        given = PowerScheduleSerializer(row, data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        names = ("name", "windows", "scope", "rests_on_holidays", "note")
        kept = {name: getattr(row, name) for name in names}
        return Response(PowerScheduleSerializer(self._saved({**kept, **given.validated_data}, row)).data)

    @extend_schema(responses=SchedulePlanSerializer)
    @action(detail=True)
    def plan(self, request: Request, pk: str) -> Response:
        """What it would save, resource by resource, and what to hand to those who switch."""
        row = self.get_object()
        now = timezone.now()
        plan = queries.plan(row, now)
        answer = {
            "saving": plan.saving,
            "rest": plan.rest,
            "rows": plan.rows,
            "cron": exports.crontab(row, plan),
            "text": exports.team_text(row, plan, now),
        }
        return Response(SchedulePlanSerializer(answer).data)

    def perform_destroy(self, instance: PowerSchedule) -> None:
        services.delete_schedule(schedule=instance, by=self.acting_user)

    def _saved(self, given: dict[str, Any], row: PowerSchedule | None) -> PowerSchedule:
        try:
            return services.save_schedule(
                organization=self.organization, by=self.acting_user, schedule=row, **given
            )
        except services.BadWindows as error:
            raise serializers.ValidationError(
                {"windows": [_("A window is [weekday 0-6, from 0-23, until 1-24].")]}
            ) from error
        except services.NoScope as error:
            raise serializers.ValidationError(
                {"scope": [_("Choose what the schedule is for; it cannot be for everything.")]}
            ) from error
        except services.NameTaken as error:
            raise serializers.ValidationError(
                {"name": [_("There is one of this name already; choose another.")]}
            ) from error
