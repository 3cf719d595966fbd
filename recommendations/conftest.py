"""What the tests of recommendations and of the apps in it share."""

from recommendations.tests.estate import estate, evaluate, only_quiet, people

__all__ = ["estate", "evaluate", "only_quiet", "people"]
