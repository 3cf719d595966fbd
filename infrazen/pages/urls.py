"""Routes of the pages that join several apps, and the sections of the sidebar."""

from django.urls import path

from infrazen.pages import connections, dashboard
from syncs.views import snapshot_list

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("spend.csv", dashboard.spend_csv, name="spend_csv"),
    path("connections/", connections.connections, name="connections"),
    path("connections/<int:pk>/card/", connections.connection_card, name="connection_card"),
    path("syncs/", snapshot_list, name="syncs"),
]
