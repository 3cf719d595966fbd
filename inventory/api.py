"""Resources as the inventory knows them: identity, business context, tags. Their form at a moment is a state (`syncs`)."""

from __future__ import annotations

from rest_framework import serializers

from inventory.models import Resource, Tag


class TagSerializer(serializers.ModelSerializer[Tag]):
    """A provider's tag, or a person's."""

    class Meta:
        model = Tag
        fields = ["key", "value", "source"]


class ResourceSerializer(serializers.ModelSerializer[Resource]):
    """One thing a provider bills for or shows; what stands here outlives every snapshot."""

    connection = serializers.IntegerField(source="connection_id")
    tags = TagSerializer(many=True)

    class Meta:
        model = Resource
        fields = [
            "id",
            "connection",
            "resource_id",
            "native_type",
            "resource_type",
            "name",
            "provider_created_at",
            "first_seen_at",
            "business_unit",
            "project",
            "feature",
            "cost_center",
            "environment",
            "owner",
            "tags",
        ]
