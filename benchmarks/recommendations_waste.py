"""How well the rules tell waste from what only looks like it, on a synthetic estate.

    python -m benchmarks recommendations_waste                            200 planted a rule, 10 000 healthy resources
    python -m benchmarks recommendations_waste --planted 20 --healthy 500 --seed 7

For each rule pieces of waste are planted with other sizes, prices, ages, noise and gaps each time, and as many near misses:
the same with one thing that takes the waste away (busy hours, a tag, a younger age, too few measurements). *Found* is how
much of the planted was named, *mistaken* how many near misses and how many healthy resources were. All rules are asked with
their defaults about every healthy resource. Precision counts the mistaken of both kinds.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter

from benchmarks.tools import memory_mib, print_table

SHOWN = 20
"""So many mistakes are told one by one."""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks recommendations_waste")
    parser.add_argument("--planted", type=int, default=200, help="of each rule")
    parser.add_argument("--healthy", type=int, default=10_000, help="resources")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    _set_up()
    from benchmarks.waste.scenes import rule_ids, scored

    healthy = _healthy(options.healthy, options.seed)
    rows = []
    for rule_id in rule_ids():
        score = scored(rule_id, options.planted, options.seed)
        for text in (*score.lost, *score.mistaken)[:SHOWN]:
            print(text, file=sys.stderr)
        rows.append(
            (
                rule_id,
                f"{score.found} of {score.planted}",
                f"{score.wrong} of {score.near}",
                str(healthy[rule_id]),
                _percent(score.precision(healthy[rule_id])),
                _percent(score.recall),
            )
        )
    print_table(("rule", "found", "near misses mistaken", "healthy mistaken", "precision", "recall"), rows)
    print(f"peak of memory {memory_mib():.0f} MiB")


def _set_up() -> None:
    """Texts of rules are translations, which want settings; nothing else of Django does."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infrazen.test_settings")
    import django

    django.setup()


def _healthy(count: int, seed: int) -> Counter[str]:
    """{rule: findings} of an estate in which nothing is wasted."""
    from benchmarks.waste.asking import findings
    from benchmarks.waste.healthy import estates
    from benchmarks.waste.world import Chance

    found: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    begun = time.process_time()
    for resources in estates(Chance(seed), count):
        kinds.update(facts.resource_type for facts in resources)
        for each in findings(resources):
            found[each.rule_id] += 1
            if found.total() <= SHOWN:
                words = each.finding.summary.message % each.finding.summary.params
                print(f"{each.rule_id}: {words} {dict(each.finding.facts)}", file=sys.stderr)
    print(
        f"{kinds.total()} healthy resources of {len(kinds)} types, {found.total()} findings, "
        f"{time.process_time() - begun:.0f} s of the processor"
    )
    return found


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
