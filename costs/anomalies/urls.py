"""Routes of the pages of anomalies."""

from django.urls import path

from costs.anomalies import views

app_name = "anomalies"

urlpatterns = [
    path("", views.anomaly_list, name="anomaly_list"),
    path("<int:pk>/", views.anomaly_detail, name="anomaly_detail"),
    path("<int:pk>/acknowledge/", views.anomaly_acknowledge, name="anomaly_acknowledge"),
]
