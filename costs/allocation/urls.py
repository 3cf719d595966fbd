"""Routes of the pages of business context."""

from django.urls import path

from costs.allocation import views

app_name = "context"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("trees/", views.tree, name="tree"),
    path("trees/tags/", views.feed_set, name="feed_set"),
    path("nodes/<int:pk>/", views.node_edit, name="node_edit"),
    path("nodes/<int:pk>/remove/", views.node_remove, name="node_remove"),
    path("rules/", views.rule_list, name="rule_list"),
    path("rules/new/", views.rule_new, name="rule_new"),
    path("rules/<int:pk>/", views.rule_edit, name="rule_edit"),
    path("rules/<int:pk>/move/", views.rule_move, name="rule_move"),
    path("rules/<int:pk>/switch/", views.rule_switch, name="rule_switch"),
    path("resources/<int:pk>/", views.resource_edit, name="resource_edit"),
    path("board/", views.board, name="board"),
    path("board/assign/", views.board_assign, name="board_assign"),
]
