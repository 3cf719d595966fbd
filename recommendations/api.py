"""Recommendations for scripts: the list, what people decide, what every rule saw, settings and exclusions."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import TenantView, TenantViewSet
from accounts.models import Organization, User
from costs.budgets.queries import scope_filters
from costs.explorer.queries import today_of
from inventory.models import Resource
from providers.models import ProviderConnection
from recommendations import decisions, proof, queries, tasks, wording
from recommendations import settings_services as settings
from recommendations.engine.evaluation import outcome_word
from recommendations.engine.registry import all_rules, rule_of
from recommendations.evaluating import outcomes_of
from recommendations.filters import RecommendationFilter
from recommendations.forms import ACTIONS, members_of
from recommendations.models import DismissReason, Exclusion, Recommendation, RecommendationEvent
from recommendations.prices.queries import price_book
from recommendations.report_views import outcome_row
from recommendations.rulebook import InvalidOption, Rulebook, stored


class FactSerializer(serializers.Serializer[Any]):
    """One fact in words."""

    label: Any = serializers.CharField()
    value = serializers.CharField()


class RecommendationSerializer(serializers.ModelSerializer[Recommendation]):
    """Amounts are a month's in `currency`; a null saving is one whose price is not known, never 0.

    Of `saving_monthly` the part `counted_monthly_rub` is summed, so that no rouble is promised twice. Texts are in the
    language of the request.
    """

    connection = serializers.IntegerField(source="connection_id")
    resource = serializers.IntegerField(source="resource_id")
    resource_name = serializers.CharField(source="resource.name")
    rule = serializers.CharField(source="rule_id")
    summary = serializers.SerializerMethodField()
    facts = serializers.SerializerMethodField()
    formula = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()
    assigned_to = serializers.IntegerField(source="assigned_to_id", allow_null=True)
    instead_of = serializers.IntegerField(source="instead_of_id", allow_null=True)

    class Meta:
        model = Recommendation
        fields = [
            "id",
            "rule",
            "category",
            "status",
            "connection",
            "resource",
            "resource_name",
            "summary",
            "facts",
            "formula",
            "steps",
            "notes",
            "currency",
            "current_monthly",
            "target_monthly",
            "saving_monthly",
            "saving_monthly_rub",
            "counted_monthly_rub",
            "instead_of",
            "one_off_cost",
            "confidence",
            "effort",
            "risk",
            "is_excluded",
            "assigned_to",
            "snoozed_until",
            "dismiss_reason",
            "detected_at",
            "refreshed_at",
            "stale_since",
            "stale_reason",
            "decided_at",
            "implemented_at",
            "applied_at",
            "verified_at",
            "realised_monthly",
            "realised_monthly_rub",
            "closed_at",
            "close_reason",
        ]

    def get_summary(self, row: Recommendation) -> str:
        return wording.summary(row)

    @extend_schema_field(FactSerializer(many=True))
    def get_facts(self, row: Recommendation) -> list[dict[str, str]]:
        return [{"label": fact.label, "value": fact.value} for fact in wording.facts(row)]

    def get_formula(self, row: Recommendation) -> str:
        return wording.text(row.formula)

    def get_steps(self, row: Recommendation) -> list[str]:
        return wording.texts(row.steps)

    def get_notes(self, row: Recommendation) -> list[str]:
        return wording.texts(row.notes)


class EventSerializer(serializers.ModelSerializer[RecommendationEvent]):
    """One thing that happened."""

    by = serializers.CharField(source="by.display_name", default="")
    description = serializers.SerializerMethodField()

    class Meta:
        model = RecommendationEvent
        fields = ["kind", "at", "by", "description", "text"]

    def get_description(self, event: RecommendationEvent) -> str:
        return wording.event(event)


class DecisionSerializer(serializers.Serializer[Any]):
    """`snooze` needs `until`, `dismiss` a `reason` (with `other` also a `text`), `comment` a `text`."""

    action = serializers.ChoiceField(choices=ACTIONS)
    until = serializers.DateField(required=False)
    reason = serializers.ChoiceField(choices=DismissReason.choices, required=False)
    text = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    to = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.none(), required=False, allow_null=True, help_text="A member; null is nobody."
    )
    replaced_by = serializers.PrimaryKeyRelatedField(
        queryset=Resource.objects.none(), required=False, allow_null=True
    )

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        organization = self.context.get("organization")
        if organization is not None:
            fields["to"].queryset = members_of(organization)
            fields["replaced_by"].queryset = Resource.objects.of(organization)
        return fields

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        action = given["action"]
        if action == "snooze" and not given.get("until"):
            raise serializers.ValidationError({"until": [_("Choose a day to come.")]})
        if action == "dismiss" and not given.get("reason"):
            raise serializers.ValidationError({"reason": [_("Say why, so that nobody has to ask again.")]})
        needs_text = action == "comment" or given.get("reason") == DismissReason.OTHER
        if needs_text and not given.get("text", "").strip():
            raise serializers.ValidationError({"text": [_("Write something first.")]})
        return given


class CategorySerializer(serializers.Serializer[Any]):
    category = serializers.CharField()
    count = serializers.IntegerField()
    saving = serializers.DecimalField(max_digits=24, decimal_places=6)


class SummarySerializer(serializers.Serializer[Any]):
    """Roubles a month: what is to be saved, each rouble counted once, and what was proven."""

    saving = serializers.DecimalField(max_digits=24, decimal_places=6)
    open_count = serializers.IntegerField()
    pending_count = serializers.IntegerField()
    unpriced_count = serializers.IntegerField()
    categories = CategorySerializer(many=True)
    proven_count = serializers.IntegerField()
    proven_promised = serializers.DecimalField(max_digits=24, decimal_places=6)
    proven_realised = serializers.DecimalField(max_digits=24, decimal_places=6)
    waiting_for_proof = serializers.IntegerField()


class RecommendationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Recommendations, the largest saving that counts first."""

    queryset = Recommendation.objects.all()
    serializer_class = RecommendationSerializer
    filterset_class = RecommendationFilter

    def get_queryset(self) -> Any:
        if self.is_schema:
            return Recommendation.objects.none()
        return queries.recommendations(self.organization)

    @extend_schema(request=DecisionSerializer, responses=RecommendationSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """Approves, puts off, dismisses, says that it is done, opens again, assigns or comments."""
        row = self.get_object()
        given = DecisionSerializer(data=request.data, context={"organization": self.organization})
        given.is_valid(raise_exception=True)
        try:
            decisions.carry_out(row, given.validated_data, by=self.acting_user, now=timezone.now())
        except decisions.Refused as refused:
            raise serializers.ValidationError({"action": [str(refused)]}) from refused
        return Response(RecommendationSerializer(self.get_object()).data)

    @extend_schema(responses=EventSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def events(self, request: Request, pk: str) -> Response:
        """What happened to it, the newest first."""
        rows = self.get_object().events.select_related("by").order_by("-at", "-pk")
        return Response(EventSerializer(rows, many=True).data)

    @extend_schema(responses=SummarySerializer, filters=False)
    @action(detail=False, pagination_class=None)
    def summary(self, request: Request) -> Response:
        """What there is to save, by category, and what was proven."""
        found = queries.summary(self.organization)
        proven = proof.proven(self.organization)
        answer = {
            "saving": found.saving,
            "open_count": found.open_count,
            "pending_count": found.pending_count,
            "unpriced_count": found.unpriced_count,
            "categories": found.categories,
            "proven_count": proven.count,
            "proven_promised": proven.promised,
            "proven_realised": proven.realised,
            "waiting_for_proof": proven.waiting,
        }
        return Response(SummarySerializer(answer).data)


class SkippedSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    count = serializers.IntegerField()


class RuleReportSerializer(serializers.Serializer[Any]):
    """One rule over all resources that it is about."""

    rule = serializers.CharField()
    title = serializers.CharField()
    checked = serializers.IntegerField()
    matched = serializers.IntegerField()
    not_matched = serializers.IntegerField()
    skipped = SkippedSerializer(many=True)
    has_failed = serializers.BooleanField()


class OutcomeSerializer(serializers.Serializer[Any]):
    """`outcome` is `matched`, `not_matched` or why the rule was not asked; `why` says it in a sentence."""

    rule = serializers.CharField()
    title = serializers.CharField()
    outcome = serializers.CharField()
    why = serializers.CharField()
    is_excluded = serializers.BooleanField()


class EvaluationReportView(TenantView):
    """Why there is no recommendation."""

    queryset = Recommendation.objects.all()
    serializer_class = RuleReportSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(
        operation_id="evaluation_report_list",
        tags=["recommendations"],
        parameters=[OpenApiParameter("connection", int, description="Of one connection.")],
        responses=RuleReportSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Every rule: how many resources it checked, found, did not hold for, or could not be asked about."""
        asked = request.query_params.get("connection", "")
        connection_id = None
        if asked:
            connections = ProviderConnection.objects.of(self.organization)
            if not asked.isdigit():
                raise NotFound
            connection_id = get_object_or_404(connections, pk=asked).pk
        rows = [
            {
                "rule": row.rule_id,
                "title": wording.rule_title(row.rule_id),
                "checked": row.checked,
                "matched": row.matched,
                "not_matched": row.not_matched,
                "skipped": [{"reason": word, "count": count} for word, count in row.skipped],
                "has_failed": row.has_failed,
            }
            for row in queries.report(self.organization, connection_id)
        ]
        return Response(RuleReportSerializer(rows, many=True).data)


class ResourceOutcomesView(TenantView):
    """What every rule says of one resource now."""

    queryset = Resource.objects.select_related("connection__organization")
    serializer_class = OutcomeSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(
        operation_id="resource_outcomes_list",
        tags=["recommendations"],
        responses=OutcomeSerializer(many=True),
    )
    def get(self, request: Request, pk: int) -> Response:
        """Asked now; nothing is stored."""
        resource = get_object_or_404(self.get_queryset(), pk=pk)
        now = timezone.now()
        outcomes = outcomes_of(
            resource.connection,
            resource.pk,
            rulebook=Rulebook(self.organization, today=today_of(self.organization, now)),
            prices=price_book(self.organization, now),
            now=now,
        )
        rows = [
            {
                "rule": each.rule.id,
                "title": str(each.rule.title),
                "outcome": outcome_word(each.answer),
                "why": outcome_row(each)["why"],
                "is_excluded": each.is_excluded,
            }
            for each in outcomes
        ]
        return Response(OutcomeSerializer(rows, many=True).data)


class OptionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label: Any = serializers.CharField()
    unit = serializers.CharField()
    value: Any = serializers.JSONField()
    default: Any = serializers.JSONField()


class RecommendationRuleSerializer(serializers.Serializer[Any]):
    """A rule as it is set for the organization."""

    id = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    category = serializers.CharField()
    is_enabled = serializers.BooleanField()
    options = OptionSerializer(many=True)


class RuleSettingSerializer(serializers.Serializer[Any]):
    """What is said of a rule; what is not named holds as set above. `connection` or `tag_key` narrow it."""

    is_enabled = serializers.BooleanField(required=False, allow_null=True, default=None)
    options = serializers.DictField(required=False, default=dict)
    connection = serializers.PrimaryKeyRelatedField(
        queryset=ProviderConnection.objects.none(), required=False, allow_null=True, default=None
    )
    tag_key = serializers.CharField(required=False, allow_blank=True, max_length=128, default="")
    tag_value = serializers.CharField(required=False, allow_blank=True, max_length=256, default="")

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        organization = self.context.get("organization")
        if organization is not None:
            fields["connection"].queryset = ProviderConnection.objects.of(organization)
        return fields

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not {"is_enabled", "options"} & set(self.initial_data):
            raise serializers.ValidationError(
                {"is_enabled": [_("Say whether the rule is on, or which options it has.")]}
            )
        if given["connection"] is not None and given["tag_key"]:
            raise serializers.ValidationError(
                {"tag_key": [_("A setting is for a connection or for a tag, not for both.")]}
            )
        return given


class RuleViewSet(TenantViewSet):
    """Rules and their thresholds."""

    queryset = Recommendation.objects.all()
    serializer_class = RecommendationRuleSerializer
    filter_backends = ()
    pagination_class = None
    lookup_field = "rule_id"
    lookup_value_regex = r"[a-z0-9_.]+"

    @extend_schema(responses=RecommendationRuleSerializer(many=True))
    def list(self, request: Request) -> Response:
        """All rules as they are set for the organization."""
        book = self._rulebook()
        return Response(
            RecommendationRuleSerializer([_rule(rule, book) for rule in all_rules().values()], many=True).data
        )

    @extend_schema(request=RuleSettingSerializer, responses=RecommendationRuleSerializer)
    def partial_update(self, request: Request, rule_id: str) -> Response:
        """Sets a rule for the organization, a connection or a tag; null and no option take the setting away."""
        rule = rule_of(rule_id)
        if rule is None:
            raise NotFound
        given = RuleSettingSerializer(data=request.data, context={"organization": self.organization})
        given.is_valid(raise_exception=True)
        try:
            settings.set_rule(
                rule=rule, organization=self.organization, by=self.acting_user, **given.validated_data
            )
        except (InvalidOption, ValueError) as error:
            raise serializers.ValidationError({"options": [str(error)]}) from error
        _ask_again(self.organization)
        return Response(RecommendationRuleSerializer(_rule(rule, self._rulebook())).data)

    def _rulebook(self) -> Rulebook:
        return Rulebook(self.organization, today=today_of(self.organization, timezone.now()))


class ExclusionSerializer(serializers.ModelSerializer[Exclusion]):
    """`scope` is a query string of the cost explorer's filters; an empty `rule` is every rule."""

    rule = serializers.CharField(source="rule_id", required=False, allow_blank=True, default="")

    class Meta:
        model = Exclusion
        fields = ["id", "name", "scope", "rule", "reason", "until", "created_at"]
        read_only_fields = ["created_at"]

    def validate_scope(self, scope: str) -> str:
        filters = scope_filters(scope)
        if not filters or not filters.has_run_rate:
            raise serializers.ValidationError(_("Choose what is to be left alone; everything cannot be."))
        return scope

    def validate_rule(self, rule: str) -> str:
        if rule and rule_of(rule) is None:
            raise serializers.ValidationError(_("There is no rule “%(id)s”.") % {"id": rule})
        return rule

    def validate_name(self, name: str) -> str:
        taken = Exclusion.objects.of(self.context["organization"]).filter(name=name)
        if self.instance is not None:
            taken = taken.exclude(pk=self.instance.pk)
        if taken.exists():
            raise serializers.ValidationError(_("There is one of this name already; choose another."))
        return name


class ExclusionViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TenantViewSet
):
    """What rules leave alone."""

    queryset = Exclusion.objects.order_by("name", "pk")
    serializer_class = ExclusionSerializer
    filter_backends = ()

    def get_serializer_context(self) -> dict[str, Any]:
        context: dict[str, Any] = {**super().get_serializer_context()}
        return context if self.is_schema else {**context, "organization": self.organization}

    @extend_schema(responses={201: ExclusionSerializer})
    def create(self, request: Request) -> Response:
        """Leaves something alone."""
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = settings.save_exclusion(
            organization=self.organization, by=self.acting_user, **given.validated_data
        )
        _ask_again(self.organization)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Changes it."""
        row = self.get_object()
        given = self.get_serializer(row, data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        kept = {name: getattr(row, name) for name in ("name", "scope", "reason", "rule_id", "until")}
        row = settings.save_exclusion(
            organization=self.organization,
            by=self.acting_user,
            exclusion=row,
            **{**kept, **given.validated_data},
        )
        _ask_again(self.organization)
        return Response(self.get_serializer(row).data)

    def perform_destroy(self, instance: Exclusion) -> None:
        settings.delete_exclusion(exclusion=instance, by=self.acting_user)
        _ask_again(self.organization)


def _ask_again(organization: Organization) -> None:
    """As the pages do: what is set counts now, not at the next sync."""
    tasks.evaluate_organization.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
        organization_id=organization.pk
    )


def _rule(rule: Any, book: Rulebook) -> dict[str, Any]:
    options = book.options_of(rule)
    values = options if options is not None else {each.name: each.default for each in rule.declared()}
    return {
        "id": rule.id,
        "title": str(rule.title),
        "description": wording.rule_description(rule.id, values),
        "category": rule.category.value,
        "is_enabled": options is not None,
        "options": [
            {
                "name": each.name,
                "label": str(each.label),
                "unit": str(each.unit),
                "value": stored(values[each.name]),
                "default": stored(each.default),
            }
            for each in rule.declared()
        ],
    }
