"""The billing API: balances, prediction, statistics, transactions, reports, prices. All money in kopecks.

Section options: `rate_limit_per_minute` (0: none), `is_documented_only` (undocumented groups, keys, prices and the flat
report are refused, as they may be one day), `transactions_by_account_token`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from providers.emulators.selectel.access import ACCOUNT, PROJECT, STATIC, Caller, Gate
from providers.emulators.selectel.account import Account
from providers.emulators.selectel.statistics import (
    BadQuestion,
    consumption,
    detailed_report,
    ever_charged,
    flat_report,
)
from providers.emulators.wire import Request, Response

MAX_TRANSACTIONS = 500
UNPROCESSABLE = "UNPROCESSABLE_ENTITY"


class BillingApi:
    """The paths below `/selectel/billing`."""

    def __init__(self, gate: Gate, section: Mapping[str, Any]) -> None:
        self._gate = gate
        self._by_account_token = bool(section.get("transactions_by_account_token", False))
        self._documented_only = bool(section.get("is_documented_only", False))
        self._routes: dict[str, tuple[Callable[[Caller, Request], Response], frozenset[str]]] = {
            "/v3/balances": (self._balances, frozenset({STATIC, ACCOUNT})),
            "/v2/billing/prediction": (self._prediction, frozenset({STATIC, ACCOUNT})),
            "/v1/cloud_billing/statistic/projects": (self._projects, frozenset({STATIC, ACCOUNT})),
            "/v1/cloud_billing/statistic/consumption": (self._consumption, frozenset({STATIC, ACCOUNT})),
            "/v2/billing/transactions": (self._transactions, self._static_only()),
            "/v1/billing/report/by_project/detailed": (self._detailed, self._static_only()),
            "/v1/billing/report/by_project/flat": (self._flat, frozenset({STATIC, ACCOUNT})),
            "/v2/billing/vpc/prices": (self._vpc_prices, frozenset({STATIC, ACCOUNT})),
            "/v2/billing/dbaas/prices": (self._dbaas_prices, frozenset({STATIC, ACCOUNT})),
        }

    def _static_only(self) -> frozenset[str]:
        return frozenset({STATIC, ACCOUNT} if self._by_account_token else {STATIC})

    def respond(self, request: Request) -> Response:
        route = self._routes.get(request.path.rstrip("/"))
        if route is None or request.method != "GET":
            return failure(404, "NOT_FOUND", "Not found")
        caller = self._gate.caller(request)
        if caller is None:
            return failure(401, "UNAUTHORIZED", "Unauthorized")
        handler, kinds = route
        if caller.kind == PROJECT or caller.kind not in kinds or not caller.may_read_billing:
            return failure(403, "FORBIDDEN", "Access denied")
        if self._gate.is_over_limit(caller.account.number, request.at):
            return failure(429, "TOO_MANY_REQUESTS", "Too many requests", headers={"Retry-After": "10"})
        try:
            return handler(caller, request)
        except BadQuestion as wrong:
            return failure(422, UNPROCESSABLE, wrong.fields)

    def refuse(self, request: Request, kind: str, options: Mapping[str, Any]) -> Response:
        if kind == "rate_limit":
            after = {"Retry-After": str(options.get("retry_after") or 10)}
            return failure(429, "TOO_MANY_REQUESTS", "Too many requests", headers=after)
        if kind == "section_disabled":
            return failure(403, "FORBIDDEN", "Access denied")
        if kind == "code_required":
            return failure(401, "UNAUTHORIZED", "Unauthorized")
        code = str(options.get("code") or "INTERNAL_SERVER_ERROR")
        return failure(200, code, str(options.get("message") or "Internal error"))

    def violation(self, request: Request) -> str | None:
        return None if request.method == "GET" else f"{request.method} on billing"

    def _balances(self, caller: Caller, request: Request) -> Response:
        left = caller.account.balance(request.at)
        debt = max(0, -left)
        primary = {
            "billing_type": "primary",
            "balances_values_sum": max(0, left),
            "debt_sum": debt,
            "final_sum": left,
            "debt": [{"service_id": 11, "service_type": "vpc", "debt_value": debt}] if debt else [],
            "balances": [
                {"balance_id": 701, "balance_type": "main", "value": max(0, left)},
                {"balance_id": 702, "balance_type": "bonus", "value": 0},
            ],
        }
        return success(
            {
                "settings": {
                    "mode": "postpaid" if debt else "prepaid",
                    "currency": "rub",
                    "avaliable_billings": ["primary"],
                    "avaliable_balances": ["main", "bonus"],
                },
                "billings": [primary],
                "debt_status": "fail" if debt else "success",
            }
        )

    def _prediction(self, caller: Caller, request: Request) -> Response:
        hours = caller.account.hours_left(request.at)
        return success({"primary": hours, "storage": None, "vmware": None, "vpc": None})

    def _projects(self, caller: Caller, request: Request) -> Response:
        if not request.values("provider_keys"):
            raise BadQuestion({"provider_keys": ["Missing data for required field."]})
        return success(ever_charged(caller.account, request.at))

    def _consumption(self, caller: Caller, request: Request) -> Response:
        return success(consumption(caller.account, request, documented_only=self._documented_only))

    def _detailed(self, caller: Caller, request: Request) -> Response:
        return success(detailed_report(caller.account, request))

    def _flat(self, caller: Caller, request: Request) -> Response:
        if self._documented_only:
            return failure(404, "NOT_FOUND", "Not found")
        return success(flat_report(caller.account, request))

    def _transactions(self, caller: Caller, request: Request) -> Response:
        """Payments in, and the rent of dedicated servers out; newest first."""
        limit = request.query.get("limit")
        if limit is None:
            raise BadQuestion({"limit": ["Missing data for required field."]})
        if not limit.isdigit() or not 1 <= int(limit) <= MAX_TRANSACTIONS:
            raise BadQuestion(
                {"limit": ["Must be greater than or equal to 1 and less than or equal to 500."]}
            )
        offset = int(request.query.get("offset", "0"))
        found = transactions(caller.account, request.at)
        if "created_from" in request.query:
            start = datetime.fromisoformat(request.query["created_from"])
            found = [each for each in found if datetime.fromisoformat(each["created"]) >= start]
        if "created_to" in request.query:
            end = datetime.fromisoformat(request.query["created_to"])
            found = [each for each in found if datetime.fromisoformat(each["created"]) <= end]
        return success(found[offset : offset + int(limit)])

    def _vpc_prices(self, caller: Caller, request: Request) -> Response:
        return self._prices(caller, request, is_dbaas=False)

    def _dbaas_prices(self, caller: Caller, request: Request) -> Response:
        return self._prices(caller, request, is_dbaas=True)

    def _prices(self, caller: Caller, request: Request, *, is_dbaas: bool) -> Response:
        if self._documented_only:
            return failure(404, "NOT_FOUND", "Not found")
        account = caller.account
        rows = account.prices.listed(request.at, is_dbaas=is_dbaas, groups=list(account.cloud.regions))
        body: dict[str, Any] = {"currency": request.query.get("currency", "rub"), "prices": rows}
        return Response(payload={"status": "ok", **body} if is_dbaas else body)


def transactions(account: Account, at: datetime) -> list[dict[str, Any]]:
    """All payments of an account up to an instant, newest first, times local without a zone."""
    return [
        {
            **_transaction(account, number, amount, rented),
            "created": account.scenario.local(paid_at).strftime("%Y-%m-%dT%H:%M:%S.%f"),
        }
        for number, (paid_at, amount, rented) in reversed(list(enumerate(account.payments(at), start=1)))
    ]


def success(data: Any) -> Response:
    return Response(payload={"status": "success", "data": data})


def failure(status: int, code: str, error: Any, *, headers: Mapping[str, str] | None = None) -> Response:
    """Billing's shape of an error."""
    body = {"status": "error", "code": code, "error": error}
    return Response(status=status, payload=body, headers=headers or {})


def _transaction(
    account: Account, number: int, amount: int, rented: Mapping[str, Any] | None
) -> dict[str, Any]:
    russian, english = "Пополнение баланса", "Top-up"
    if rented is not None:
        configuration = rented["configuration"]
        russian, english = f"Выделенный сервер {configuration}", f"Dedicated server {configuration}"
    return {
        "user_id": int(account.number),
        "transaction_type": "withdraw" if rented else "payment",
        "dir": "out" if amount < 0 else "in",
        "state": "PAID",
        "balance": "main",
        "price": amount,
        "date_payment_must_made": None,
        "reason_for_debt": None,
        "jurbrand_key": "selectel",
        "description": {"ru": russian, "en": english},
        "public_description": {"ru": russian, "en": english},
        "id_meta": {
            "id": [9_000_000 + number],
            "billing": "primary",
            "service_id": 5,
            "service_name": "Аренда" if rented else "Платёж",
            "service_name_en": "Rent" if rented else "Payment",
        },
        "transaction_group": "service" if rented else "payment",
        "server_meta": {
            "en": {
                "operation": "prolong",
                "service": "dedicated server",
                "full_name": rented["configuration"],
            },
            "main_resource_uuid": rented["id"],
        }
        if rented
        else None,
    }
