"""Routes of the pages of policies."""

from django.urls import path

from recommendations.policies import views

app_name = "policies"

urlpatterns = [
    path("", views.policy_list, name="policy_list"),
    path("new/", views.policy_choose, name="policy_choose"),
    path("new/<slug:kind>/", views.policy_new, name="policy_new"),
    path("<int:pk>/", views.policy_detail, name="policy_detail"),
    path("<int:pk>/edit/", views.policy_edit, name="policy_edit"),
    path("<int:pk>/delete/", views.policy_delete, name="policy_delete"),
    path("violations/<int:pk>/decide/", views.violation_decide, name="violation_decide"),
]
