"""The site's addresses with a list of connections to come back to, whatever page the house has there."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from infrazen.urls import urlpatterns as site


def connections(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the connections")


urlpatterns = [path("connections/", connections, name="connections"), *site]
