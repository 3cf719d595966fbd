"""Providers and connections for scripts. Credentials go in and never come out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.api import IsMember, TenantViewSet
from accounts.impersonation import refuse_while_impersonating
from providers import catalogue, queries, registry, services, tasks
from providers.contract.plugin import ProviderPlugin
from providers.contract.records import ConnectionTest
from providers.filters import ConnectionFilter
from providers.messages import explain, provider_name, sentence
from providers.models import ProviderConnection
from providers.scopes import scope_name

VERIFY = OpenApiParameter(
    "verify",
    bool,
    default=True,
    description="`false` saves the credentials without asking the provider whether it accepts them.",
)


class CredentialFieldSerializer(serializers.Serializer[Any]):
    """A credential that a provider declares."""

    name = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]  # also options of a field
    help_text = serializers.SerializerMethodField()  # type: ignore[assignment]
    is_secret = serializers.BooleanField()
    is_required = serializers.BooleanField()
    decides_destination = serializers.BooleanField(
        help_text="Whether it says where the secrets are sent: when it changes, all of them must be given anew."
    )

    def get_label(self, field: Any) -> str:
        return sentence(field.label)

    def get_help_text(self, field: Any) -> str:
        return sentence(field.help_text)


class CapabilitiesSerializer(serializers.Serializer[Any]):
    billing = serializers.ChoiceField(choices=["lines", "rates"])
    has_inventory = serializers.BooleanField()
    has_usage = serializers.BooleanField()
    has_prices = serializers.BooleanField()
    reads_files = serializers.BooleanField()


class ProviderSerializer(serializers.Serializer[Any]):
    """An installed provider."""

    key = serializers.CharField(help_text="The `provider_type` of its connections.")
    display_name = serializers.SerializerMethodField()
    summary = serializers.SerializerMethodField()
    is_enabled = serializers.SerializerMethodField(
        help_text="False where an administrator has switched it off: nothing new can be connected, no sync starts "
        "by itself."
    )
    billing_timezone = serializers.CharField(help_text="The zone in which its days of cost are cut.")
    capabilities = CapabilitiesSerializer()
    credential_fields = CredentialFieldSerializer(many=True)

    def get_display_name(self, plugin: type[ProviderPlugin]) -> str:
        return sentence(plugin.display_name)

    def get_summary(self, plugin: type[ProviderPlugin]) -> str:
        return sentence(plugin.summary)

    def get_is_enabled(self, plugin: type[ProviderPlugin]) -> bool:
        return plugin.key not in self.context["disabled_types"]


class ProblemOfProviderSerializer(serializers.Serializer[Any]):
    """Why the last reading failed."""

    code = serializers.CharField()
    detail = serializers.CharField()


class SetCredentialSerializer(serializers.Serializer[Any]):
    """A declared credential of a connection; `value` is always empty for a secret."""

    name = serializers.CharField(source="field.name")
    is_secret = serializers.BooleanField(source="field.is_secret")
    is_set = serializers.BooleanField()
    value = serializers.CharField()


class ConnectionSerializer(serializers.ModelSerializer[ProviderConnection]):
    """One account at one provider. Instants are UTC."""

    provider_name = serializers.SerializerMethodField()
    credentials = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=10_000),
        write_only=True,
        required=False,
        help_text="By the names that the provider declares. In a change, an empty secret keeps the one that is set, "
        "unless a field changes that decides where it is sent.",
    )
    credentials_set = serializers.SerializerMethodField()
    last_sync_error = serializers.SerializerMethodField()
    is_given_up = serializers.BooleanField(
        read_only=True,
        help_text="Whether it failed so often in a row that it is not synced by itself any more.",
    )
    given_up_at = serializers.SerializerMethodField(
        help_text="Since when; null where it is tried, or where it is not known."
    )
    given_up_reason = serializers.SerializerMethodField(
        help_text="Why, and what ends it, as a sentence; empty where it is tried."
    )

    class Meta:
        model = ProviderConnection
        fields = [
            "id",
            "provider_type",
            "provider_name",
            "connection_name",
            "account_id",
            "credentials",
            "credentials_set",
            "credentials_changed_at",
            "is_active",
            "auto_sync",
            "sync_interval_minutes",
            "next_sync_at",
            "last_sync_at",
            "last_sync_status",
            "last_sync_error",
            "consecutive_failures",
            "is_given_up",
            "given_up_at",
            "given_up_reason",
            "balance",
            "balance_currency",
            "charge_days_left",
            "account_read_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = [
            "account_id",
            "credentials_changed_at",
            "next_sync_at",
            "last_sync_at",
            "last_sync_status",
            "consecutive_failures",
            "balance",
            "balance_currency",
            "charge_days_left",
            "account_read_at",
        ]

    def get_provider_name(self, connection: ProviderConnection) -> str:
        return provider_name(connection.provider_type)

    @extend_schema_field(SetCredentialSerializer(many=True))
    def get_credentials_set(self, connection: ProviderConnection) -> Any:
        return SetCredentialSerializer(queries.set_credentials(connection), many=True).data

    @extend_schema_field(ProblemOfProviderSerializer(allow_null=True))
    def get_last_sync_error(self, connection: ProviderConnection) -> dict[str, str] | None:
        explanation = explain(connection.last_sync_error, provider_type=connection.provider_type)
        return {"code": explanation.code, "detail": str(explanation)} if explanation else None

    def get_given_up_at(self, connection: ProviderConnection) -> datetime | None:
        return connection.given_up_at if connection.is_given_up else None

    def get_given_up_reason(self, connection: ProviderConnection) -> str:
        if not connection.is_given_up:
            return ""
        stopped = ngettext(
            "Not tried by itself any more after %(count)d failure; a sync that is asked for tries again.",
            "Not tried by itself any more after %(count)d failures in a row; a sync that is asked for tries again.",
            connection.consecutive_failures,
        ) % {"count": connection.consecutive_failures}
        why = explain(connection.last_sync_error, provider_type=connection.provider_type)
        return f"{why} {stopped}" if why else stopped

    def validate_provider_type(self, value: str) -> str:
        if self.instance is not None and value != self.instance.provider_type:
            raise serializers.ValidationError(
                _("The provider of a connection cannot change. Add another connection.")
            )
        return _installed(value)


class ConnectionTestRequestSerializer(serializers.Serializer[Any]):
    provider_type = serializers.CharField()
    credentials = serializers.DictField(child=serializers.CharField(allow_blank=True, trim_whitespace=False))

    def validate_provider_type(self, value: str) -> str:
        return _installed(value)


class SavedConnectionTestRequestSerializer(serializers.Serializer[Any]):
    credentials = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False),
        required=False,
        help_text="Changes to test over what is set.",
    )


class TestedScopeSerializer(serializers.Serializer[Any]):
    scope = serializers.SerializerMethodField()
    name = serializers.SerializerMethodField(help_text="The scope in words.")
    status = serializers.ChoiceField(choices=["complete", "failed", "denied", "absent"])
    error_code = serializers.CharField()
    detail = serializers.SerializerMethodField()

    def get_scope(self, result: Any) -> str:
        return "/".join(result.scope)

    def get_name(self, result: Any) -> str:
        return scope_name(result.scope)

    def get_detail(self, result: Any) -> str:
        return sentence(result.message, result.params)


class ConnectionTestSerializer(serializers.Serializer[Any]):
    """Who we are at the provider, and what the credentials may read."""

    account_id = serializers.CharField()
    account_name = serializers.CharField()
    is_complete = serializers.BooleanField(help_text="Whether everything may be read.")
    facts = serializers.SerializerMethodField()
    scopes = TestedScopeSerializer(many=True)

    def get_facts(self, answer: ConnectionTest) -> dict[str, str]:
        return {sentence(label): value for label, value in answer.facts.items()}


class ProviderViewSet(ViewSet):
    """The installed providers, with the credentials that each asks for."""

    permission_classes = [IsMember]

    @extend_schema(responses=ProviderSerializer(many=True))
    def list(self, request: Request) -> Response:
        context = {"disabled_types": catalogue.disabled_types()}
        return Response(ProviderSerializer(queries.available_plugins(), many=True, context=context).data)


class ConnectionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """The organization's accounts at providers."""

    queryset = ProviderConnection.objects.order_by("connection_name", "pk")
    serializer_class = ConnectionSerializer
    filterset_class = ConnectionFilter

    @extend_schema(parameters=[VERIFY], responses={201: ConnectionSerializer})
    @refuse_while_impersonating
    def create(self, request: Request) -> Response:
        """Adds a connection after the provider accepted its credentials; the first sync is due at once."""
        given = self._checked(request)
        connection = services.create_connection(
            organization=self.organization,
            provider_type=given["provider_type"],
            connection_name=given["connection_name"],
            credentials=given.get("credentials", {}),
            auto_sync=given.get("auto_sync", True),
            sync_interval_minutes=given.get("sync_interval_minutes"),
            verify=_is_verified(request),
            now=timezone.now(),
        )
        return Response(self.get_serializer(connection).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[VERIFY])
    @refuse_while_impersonating
    def partial_update(self, request: Request, pk: str) -> Response:
        """Changes what is given. New credentials are tested first and must open the same account."""
        connection = self.get_object()
        given = self._checked(request, connection)
        given.pop("provider_type", None)
        changed = services.update_connection(
            connection=connection, verify=_is_verified(request), now=timezone.now(), **given
        )
        return Response(self.get_serializer(changed).data)

    @extend_schema(responses={204: None, 202: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Deletes the connection with everything that was read through it.

        202 says that there is a lot of it: the connection is switched off and goes within minutes.
        """
        connection = self.get_object()
        if services.delete_connection(connection=connection):
            return Response(status=status.HTTP_204_NO_CONTENT)
        tasks.hand_out_deletion(connection.pk)
        return Response(status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="connections_test_new",
        request=ConnectionTestRequestSerializer,
        responses=ConnectionTestSerializer,
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="test", pagination_class=None, filterset_class=None)
    @refuse_while_impersonating
    def test_new(self, request: Request) -> Response:
        """Asks the provider who these credentials are; saves nothing."""
        serializer = ConnectionTestRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        answer = services.test_saved_connection(
            connection=ProviderConnection(provider_type=serializer.validated_data["provider_type"]),
            changes=serializer.validated_data["credentials"],
            now=timezone.now(),
        )
        return Response(ConnectionTestSerializer(answer).data)

    @extend_schema(request=SavedConnectionTestRequestSerializer, responses=ConnectionTestSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Tests what is set, under the changes that are given; saves nothing."""
        connection = self.get_object()
        serializer = SavedConnectionTestRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        answer = services.test_saved_connection(
            connection=connection, changes=serializer.validated_data.get("credentials"), now=timezone.now()
        )
        return Response(ConnectionTestSerializer(answer).data)

    def _checked(self, request: Request, connection: ProviderConnection | None = None) -> dict[str, Any]:
        serializer = self.get_serializer(connection, data=request.data, partial=connection is not None)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


def _installed(provider_type: str) -> str:
    if provider_type not in registry.plugins():
        raise serializers.ValidationError(
            _("No installed plugin knows the provider “%(provider)s”.") % {"provider": provider_type}
        )
    return provider_type


def _is_verified(request: Request) -> bool:
    return request.query_params.get("verify", "true").lower() not in {"false", "0", "no"}
