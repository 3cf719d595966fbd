"""How wrong forecasts are, in per cent of what came (MAPE), by how far ahead: ours and three others.

    python -m benchmarks forecast --data .data                   the daily costs of a demo (or of any embedded data)
    python -m benchmarks forecast --focus aws.csv                those of a FOCUS file
    python -m benchmarks forecast --data .data --python ../venv/bin/python      with statsmodels of that Python

At each day from the eighth on (or at each `--every` so-manyth), every method is asked for the total of the next 1, 7 and 30 days with what was known by
then, and compared with what came. Compared are:

- ours (`costs.forecasting`);
- last month: the same days of thirty days before, their mean where there are none;
- daily mean: the mean of everything known;
- Holt-Winters as statsmodels has it by default, with an additive trend and a weekly season once there are two weeks;
  it is no dependency, so it runs in the Python that is named, where it is installed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.tools import print_table
from costs.forecasting import HORIZONS, MINIMUM_DAYS, NotEnough, forecast

ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)
Days = Mapping[date, Decimal]
Method = Callable[[Days, date], list[Decimal]]
"""From what is known to the days after it, up to a day."""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks forecast", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a data folder of the embedded mode")
    parser.add_argument("--focus", type=Path, help="a FOCUS file, CSV")
    parser.add_argument("--python", type=Path, help="a Python with statsmodels")
    parser.add_argument("--every", type=int, default=1, help="days from one forecast to the next")
    options = parser.parse_args(arguments)
    series: dict[str, Days] = {}
    if options.data:
        series |= _of_data(options.data.absolute())
    if options.focus:
        series[options.focus.name] = _of_focus(options.focus)
    for name, days in series.items():
        _compare(name, days, options.python, options.every)


def _compare(name: str, days: Days, python: Path | None, every: int) -> None:
    print(f"\n{name}: {len(days)} days, {sum(days.values(), ZERO):.2f}\n")
    methods: dict[str, dict[int, list[Decimal]]] = {
        "ours": _errors(days, _ours, every),
        "last month": _errors(days, _last_month, every),
        "daily mean": _errors(days, _daily_mean, every),
    }
    if python:
        methods["Holt-Winters (statsmodels)"] = _errors_of(_holt_winters(days, python, every), days)
    print_table(
        ["method", *(f"next {horizon}" for horizon in HORIZONS), "forecasts"],
        (
            [
                method,
                *(f"{sum(errors[h], ZERO) / len(errors[h]):.1f} %" if errors[h] else "–" for h in HORIZONS),
                " / ".join(str(len(errors[h])) for h in HORIZONS),
            ]
            for method, errors in methods.items()
        ),
    )


def _errors(days: Days, method: Method, every: int) -> dict[int, list[Decimal]]:
    ordered = sorted(days)
    said = {}
    known: dict[date, Decimal] = {}
    for day in ordered[:-1]:
        known[day] = days[day]
        if len(known) >= MINIMUM_DAYS and (len(known) - MINIMUM_DAYS) % every == 0:
            said[day] = method(known, day + timedelta(days=max(HORIZONS)))
    return _errors_of(said, days)


def _errors_of(said: Mapping[date, list[Decimal]], days: Days) -> dict[int, list[Decimal]]:
    errors: dict[int, list[Decimal]] = {horizon: [] for horizon in HORIZONS}
    for day, ahead in said.items():
        for horizon in HORIZONS:
            coming = [day + timedelta(days=distance) for distance in range(1, horizon + 1)]
            came = sum((days.get(each, ZERO) for each in coming), ZERO)
            if coming[-1] in days and came > 0:
                errors[horizon].append(abs(sum(ahead[:horizon], ZERO) - came) * 100 / came)
    return errors


def _ours(known: Days, until: date) -> list[Decimal]:
    found = forecast(known, until=until)
    assert not isinstance(found, NotEnough)
    return [day.amount for day in found.days]


def _last_month(known: Days, until: date) -> list[Decimal]:
    mean = sum(known.values(), ZERO) / len(known)
    last = max(known)
    ahead = [last + timedelta(days=distance) for distance in range(1, (until - last).days + 1)]
    return [known.get(day - timedelta(days=30), mean) for day in ahead]


def _daily_mean(known: Days, until: date) -> list[Decimal]:
    mean = sum(known.values(), ZERO) / len(known)
    return [mean] * (until - max(known)).days


def _holt_winters(days: Days, python: Path, every: int) -> dict[date, list[Decimal]]:
    """Asked in another Python; the forecasts of every day as text."""
    ordered = sorted(days)
    given = {
        "values": [float(days[day]) for day in ordered],
        "first": MINIMUM_DAYS,
        "every": every,
        "ahead": max(HORIZONS),
    }
    done = subprocess.run(
        [str(python), "-c", HOLT_WINTERS],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout)
    return {
        ordered[MINIMUM_DAYS - 1 + number * every]: [Decimal(str(value)) for value in values]
        for number, values in enumerate(answers)
    }


HOLT_WINTERS = """
import json, sys, warnings
from statsmodels.tsa.holtwinters import ExponentialSmoothing
warnings.simplefilter("ignore")
given = json.load(sys.stdin)
found = []
for count in range(given["first"], len(given["values"]), given["every"]):
    known = given["values"][:count]
    season = {"seasonal": "add", "seasonal_periods": 7} if count >= 14 else {}
    model = ExponentialSmoothing(known, trend="add", initialization_method="estimated", **season)
    found.append([round(float(value), 6) for value in model.fit().forecast(given["ahead"])])
json.dump(found, sys.stdout)
"""


def _of_data(folder: Path) -> dict[str, Days]:
    """The complete days of the organization that costs most there, and of each of its connections."""
    os.environ |= {"INFRAZEN_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "infrazen.settings"}
    import django

    django.setup()
    from django.db.models import Sum

    from accounts.models import Organization
    from costs.explorer.filters import Filters
    from costs.models import DailyTotal
    from costs.series import daily_series, series_by_connection
    from providers.models import ProviderConnection

    dearest = (
        DailyTotal.objects.order_by()
        .values("organization")
        .annotate(sum=Sum("billed_cost_rub"))
        .order_by("-sum")
        .first()
    )
    if dearest is None:
        sys.exit(f"{folder} holds no costs.")
    organization = Organization.objects.get(pk=dearest["organization"])
    found = {organization.name: daily_series(organization, Filters(), first=date.min).complete}
    names = dict(ProviderConnection.objects.of(organization).values_list("pk", "connection_name"))
    for pk, series in series_by_connection(organization, first=date.min).items():
        found[names[pk]] = series.complete
    return found


def _of_focus(file: Path) -> Days:
    """Billed cost by the day on which a charge's period begins; days without a charge cost nothing."""
    sums: dict[date, Decimal] = {}
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            day = date.fromisoformat(row["ChargePeriodStart"][:10])
            sums[day] = sums.get(day, ZERO) + Decimal(row["BilledCost"] or 0)
    first, last = min(sums), max(sums)
    days = [first + ONE_DAY * offset for offset in range((last - first).days + 1)]
    return {day: sums.get(day, ZERO) for day in days}
