"""A site of one page and one task that both wait to be released; see `test_embedded`."""

import time

from celery import shared_task
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path


def _wait_for_release() -> None:
    end = time.monotonic() + 30
    while not (settings.DATA / "release").exists() and time.monotonic() < end:
        time.sleep(0.01)


@shared_task
def held() -> None:
    (settings.DATA / "task-started").touch()
    _wait_for_release()
    (settings.DATA / "task-ended").touch()


def page(request: HttpRequest) -> HttpResponse:
    held.delay()
    (settings.DATA / "page-started").touch()
    _wait_for_release()
    return HttpResponse("answered")


urlpatterns = [path("", page)]
