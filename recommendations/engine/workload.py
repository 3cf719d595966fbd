"""What runs on a server, as far as its software, tags and name tell. Pure.

A name is a hint: enough to be careful, never enough to advise.
"""

from __future__ import annotations

import re

from recommendations.engine.facts import ResourceFacts

DATABASES = (
    "postgres",
    "pgsql",
    "mysql",
    "mariadb",
    "percona",
    "mongo",
    "redis",
    "valkey",
    "memcached",
    "clickhouse",
    "cassandra",
    "elastic",
    "opensearch",
    "mssql",
    "oracle",
)
QUEUES = ("rabbitmq", "kafka", "nats", "activemq", "zookeeper", "pulsar")
SHORT_WORDS = frozenset({"db", "mq", "sql"})
"""Too short to look for but as a whole word."""
ROLE_TAGS = ("app", "role", "service", "engine", "type")


def holds_memory(facts: ResourceFacts) -> str:
    """What makes it keep memory reserved, or state that must not be lost: a database or queue; "" without a sign.

    By its engine and software, then by its tags and name.
    """
    return known_engine(facts) or _first(
        " ".join((facts.name, *(facts.tags.get(key, "") for key in ROLE_TAGS)))
    )


def known_engine(facts: ResourceFacts) -> str:
    """The database or queue that is known to run there, without its name being asked."""
    return facts.engine or next((name for name in facts.software if _first(name)), "")


def _first(text: str) -> str:
    words = [word for word in re.split(r"[\W_\d]+", text.casefold()) if word]
    return next(
        (word for word in words if word in SHORT_WORDS or word.startswith(DATABASES + QUEUES)),
        "",
    )
