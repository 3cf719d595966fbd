"""Celery doors of what belongs to no app: the demo."""

from __future__ import annotations

from celery import shared_task

from infrazen.demo import operations


@shared_task
def reset_demo() -> None:
    operations.run_apart("reset", "--yes")


@shared_task
def forward_demo(*, days: int) -> None:
    operations.run_apart("forward", "--days", str(days))
