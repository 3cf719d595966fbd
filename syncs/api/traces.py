"""What a sync asked of its provider, for programs: steps, calls, waits and attempts, in plain numbers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from providers.contract.trace import CallFigures, StepFigures, WaitKind
from providers.messages import sentence
from syncs.engine.traces import Attempt, restored
from syncs.models import SyncSnapshot


class WaitsSerializer(serializers.Serializer[Any]):
    """Seconds by reason: our own pace, the provider's word (Retry-After), our patience after an error."""

    pace = serializers.FloatField()
    asked = serializers.FloatField()
    back_off = serializers.FloatField()


class StepSerializer(serializers.Serializer[StepFigures]):
    """One stream of the plugin, in order; `error_code` is empty where it came to its end."""

    name = serializers.CharField()
    seconds = serializers.FloatField()
    record_count = serializers.IntegerField()
    error_code = serializers.CharField()


class CallSerializer(serializers.Serializer[CallFigures]):
    """One call over all its requests, named as the plugin declares it: no host, no query, no id.

    Calls run side by side, so their seconds may add up to more than the step's. `statuses` counts answers by HTTP
    status, `none` those that did not come. A call without a name stands for all that are more than a trace keeps.
    """

    step = serializers.CharField()
    api = serializers.CharField(source="name.api")
    call = serializers.CharField(source="name.call")
    region = serializers.CharField(source="name.region")
    request_count = serializers.IntegerField()
    statuses = serializers.DictField(child=serializers.IntegerField())
    repeat_count = serializers.IntegerField()
    given_up_count = serializers.IntegerField()
    tries = serializers.IntegerField(help_text="Requests of a call that was given up, at most.")
    wire_seconds = serializers.FloatField()
    slowest_seconds = serializers.FloatField()
    size_bytes = serializers.IntegerField(help_text="Answers, unpacked.")
    wait_seconds = serializers.SerializerMethodField()

    @extend_schema_field(WaitsSerializer)
    def get_wait_seconds(self, call: CallFigures) -> dict[str, float]:
        return _waits(call.wait_seconds)


class AttemptSerializer(serializers.Serializer[Attempt]):
    """An attempt that ended without a result, before the one that the trace tells of."""

    number = serializers.IntegerField()
    seconds = serializers.FloatField()
    request_count = serializers.IntegerField()
    code = serializers.CharField(source="error.code")
    detail = serializers.SerializerMethodField()

    def get_detail(self, attempt: Attempt) -> str:
        return sentence(attempt.error.get("message", ""), attempt.error.get("params"))


class TraceSerializer(serializers.Serializer[Any]):
    """`seconds` are those of the steps; `wait_seconds` are by the clock: waits at the same time count once."""

    seconds = serializers.FloatField()
    request_count = serializers.IntegerField()
    wait_seconds = WaitsSerializer()
    steps = StepSerializer(many=True)
    calls = CallSerializer(many=True)
    earlier_attempts = AttemptSerializer(many=True)


def trace_answer(snapshot: SyncSnapshot) -> dict[str, Any] | None:
    """The trace as `TraceSerializer` has it; None for a sync that kept none. Reads `snapshot.trace`."""
    trace = restored(getattr(snapshot, "trace", None))
    if trace.is_empty:
        return None
    reading = trace.reading
    return dict(
        TraceSerializer(
            {
                "seconds": round(reading.seconds, 3),
                "request_count": reading.request_count,
                "wait_seconds": _waits(reading.wait_seconds),
                "steps": reading.steps,
                "calls": reading.calls,
                "earlier_attempts": trace.earlier,
            }
        ).data
    )


def _waits(seconds: dict[WaitKind, float]) -> dict[str, float]:
    return {kind.value: seconds.get(kind, 0.0) for kind in WaitKind}
