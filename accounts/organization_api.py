"""Organizations and their people for scripts. Whoever hands over or deletes does that in the pages, with proof."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import queries, services
from accounts.access import acting_user, owners_only, viewers_only_look
from accounts.api import ORGANIZATION_HEADER, IsMember, TenantViewSet, chosen_membership
from accounts.impersonation import refuse
from accounts.links import invitation_link
from accounts.models import Invitation, Membership, Role
from accounts.services import SentInvitation


class IsMemberOwnersWrite(IsMember):
    """Members read; people, roles and invitations are the owners' to decide, and nobody's who acts as one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        if request.method not in SAFE_METHODS:
            refuse(request)
            if not view.membership.is_owner:
                raise PermissionDenied(owners_only())
        return True


class OrganizationSerializer(serializers.Serializer[Any]):
    """One of your organizations; its id goes into `X-Organization`."""

    id = serializers.IntegerField(source="organization_id", read_only=True)
    name = serializers.CharField(source="organization.name", max_length=150)
    time_zone = serializers.CharField(
        source="organization.time_zone",
        max_length=64,
        help_text="By its clock periods begin and end and the nightly sync starts; costs do not change with it.",
    )
    role = serializers.ChoiceField(choices=Role.choices, read_only=True, help_text="Yours.")
    is_personal = serializers.BooleanField(source="organization.is_personal", read_only=True)
    is_demo = serializers.BooleanField(source="organization.is_demo", read_only=True)
    deletion_at = serializers.DateTimeField(
        source="organization.deletion_at",
        read_only=True,
        allow_null=True,
        help_text="When everything in it goes; nothing is synced any more. Null while nobody has asked for that.",
    )


class MemberSerializer(serializers.Serializer[Any]):
    """Somebody who belongs to the organization."""

    id = serializers.IntegerField(read_only=True)
    email = serializers.CharField(source="user.email", read_only=True)
    full_name = serializers.CharField(source="user.full_name", read_only=True)
    role = serializers.ChoiceField(choices=Role.choices)
    since = serializers.DateTimeField(source="created_at", read_only=True)


class InvitationSerializer(serializers.Serializer[Any]):
    """An invitation that waits for an answer; an expired one waits to be sent again."""

    id = serializers.IntegerField(read_only=True)
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.VIEWER)
    sent_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)
    is_mailed = serializers.BooleanField(
        read_only=True, help_text="False: the link was shown to who invited, to pass on."
    )


class SentInvitationSerializer(InvitationSerializer):
    link = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="Where no e-mail went out: pass it on. It is told this once. Null otherwise.",
    )


class OrganizationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """Your organizations; a token knows its own alone."""

    queryset = Membership.objects.none()
    serializer_class = OrganizationSerializer
    permission_classes = (IsAuthenticated,)
    lookup_field = "organization_id"
    lookup_url_kwarg = "pk"
    lookup_value_regex = r"\d{1,18}"  # a longer one is no row of any database

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The header chooses nothing here, but naming another's organization is as wrong as everywhere."""
        super().initial(request, *args, **kwargs)
        if ORGANIZATION_HEADER in request.headers:
            chosen_membership(request)

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        own = queries.memberships(acting_user(self.request))
        bound = getattr(self.request.auth, "organization_id", None)
        return own if bound is None else own.filter(organization=bound)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Another name or time zone, by an owner or manager."""
        refuse(request)
        membership = self.get_object()
        if not membership.may_write:
            raise PermissionDenied(viewers_only_look())
        serializer = self.get_serializer(membership, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data.get("organization", {})
        membership.organization = services.update_organization(organization=membership.organization, **given)
        return Response(self.get_serializer(membership).data)


class MemberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Who belongs to the organization: members read, owners decide."""

    queryset = Membership.objects.none()
    serializer_class = MemberSerializer
    permission_classes = (IsMemberOwnersWrite,)  # type: ignore[misc]  # a class variable in ours, not in the stubs

    def get_queryset(self) -> QuerySet[Membership]:
        return Membership.objects.none() if self.is_schema else queries.members(self.organization)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Another role. The last owner stays one: 409."""
        membership = self.get_object()
        serializer = self.get_serializer(membership, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        role = Role(serializer.validated_data.get("role", membership.role))
        changed = services.change_role(membership=membership, role=role)
        return Response(self.get_serializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Takes somebody out, at once. The last owner stays: 409."""
        services.remove_member(membership=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Invitations that wait: members read, owners decide."""

    queryset = Invitation.objects.none()
    serializer_class = InvitationSerializer
    permission_classes = (IsMemberOwnersWrite,)  # type: ignore[misc]  # a class variable in ours, not in the stubs

    def get_queryset(self) -> QuerySet[Invitation]:
        return Invitation.objects.none() if self.is_schema else queries.open_invitations(self.organization)

    @extend_schema(responses={201: SentInvitationSerializer})
    def create(self, request: Request) -> Response:
        """Invites an e-mail, whether somebody has an account with it or not; one that waits already is sent anew."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        sent = services.send_invitation(
            organization=self.organization,
            email=serializer.validated_data["email"],
            role=Role(serializer.validated_data["role"]),
            inviter=self.acting_user,
            link_of=lambda token: invitation_link(request, token),
            now=timezone.now(),
        )
        return Response(_told(sent), status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=SentInvitationSerializer)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: str) -> Response:
        """A new link for another seven days; the old one ends."""
        sent = services.resend_invitation(
            invitation=self.get_object(),
            inviter=self.acting_user,
            link_of=lambda token: invitation_link(request, token),
            now=timezone.now(),
        )
        return Response(_told(sent))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Withdraws it: its link ends."""
        services.revoke_invitation(invitation=self.get_object(), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _told(sent: SentInvitation) -> dict[str, Any]:
    return {**InvitationSerializer(sent.invitation).data, "link": sent.link or None}
