"""The hosting API: envelopes, refusals, the limit of a minute, the lists."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import BegetClient, call

AUTH_ERROR = {
    "status": "error",
    "error_text": "Username/password incorrect",
    "error_code": "AUTH_ERROR",
}


@pytest.mark.parametrize(
    ("login", "password"),
    [("labone", "wrong"), ("labone", "lab-secret-account"), ("nobody", "lab-secret-api"), ("", "")],
)
def test_wrong_credentials_are_refused_inside_http_200(
    lab: EmulatorServer, login: str, password: str
) -> None:
    assert BegetClient(lab.url, login, password, "").hosting("user/getAccountInfo") == AUTH_ERROR


@pytest.mark.parametrize("method", ["billing/getList", "domain/getlist", "domain", "mail/getList"])
def test_an_unknown_method_is_refused_by_name(labone: BegetClient, method: str) -> None:
    assert labone.hosting(method)["error_code"] == "NO_SUCH_METHOD"


def test_arguments_that_are_not_json_are_refused(lab: EmulatorServer) -> None:
    form = urlencode(
        {"login": "labone", "passwd": "lab-secret-api", "input_format": "json", "input_data": "["}
    )

    reply = call("POST", f"{lab.url}/beget/hosting/api/domain/getList", body=form.encode())

    assert reply.json["error_code"] == "INCORRECT_REQUEST"


def test_plain_arguments_are_understood(lab: EmulatorServer) -> None:
    form = urlencode({"login": "labone", "passwd": "lab-secret-api", "domain": "shop-example.test"})

    reply = call("POST", f"{lab.url}/beget/hosting/api/mail/getMailboxList", body=form.encode())

    assert [box["mailbox"] for box in reply.json["answer"]["result"]] == ["info"]


def test_bad_arguments_are_an_inner_error(labone: BegetClient) -> None:
    assert labone.error("mail/getMailboxList", domain="other.test") == ("INVALID_DATA", "Domain not found")
    assert labone.error("stat/getSiteLoad", site_id=1) == ("INVALID_DATA", "Site not found")
    assert labone.error("stat/getDbLoad", db_name="x") == ("INVALID_DATA", "Database not found")


@pytest.mark.parametrize("section", ["mysql", "ftp"])
def test_a_section_that_is_not_ticked_says_so(demodev: BegetClient, section: str) -> None:
    assert demodev.error(f"{section}/getList") == ("ACCESS_DENIED", f"Cannot access method {section}")


def test_the_other_sections_of_that_account_answer(demodev: BegetClient) -> None:
    assert len(demodev.result("domain/getList")) == 3
    assert len(demodev.result("site/getList")) == 4


def test_the_sixty_first_request_of_a_minute_is_refused(lab: EmulatorServer, labone: BegetClient) -> None:
    for _ in range(60):
        labone.result("ftp/getList")

    assert labone.error("ftp/getList")[0] == "LIMIT_ERROR"
    lab.clock.advance(timedelta(seconds=59))
    assert labone.error("ftp/getList")[0] == "LIMIT_ERROR"
    lab.clock.advance(timedelta(seconds=1))
    assert len(labone.result("ftp/getList")) == 1


def test_the_limit_counts_each_account_for_itself(labone: BegetClient, labmany: BegetClient) -> None:
    for _ in range(60):
        labone.result("ftp/getList")

    assert labmany.result("ftp/getList") == []


def test_the_demo_has_no_limit(demodev: BegetClient) -> None:
    for _ in range(70):
        demodev.result("cron/getList")

    assert demodev.result("cron/getList") == []


def test_account_info_of_the_demo(demodev: BegetClient) -> None:
    info = demodev.result("user/getAccountInfo")

    assert (info["user_domains"], info["plan_domain"]) == (3, 10)
    assert (info["user_sites"], info["plan_site"]) == ("4", 10)
    assert (info["user_mail"], info["plan_mail"]) == ("6", 100)
    assert (info["user_quota"], info["plan_quota"]) == ("28058", "30720")
    assert (info["user_rate_current"], info["user_rate_year"]) == ("1394.999999", 509175)
    assert info["user_rate_month"] == 42431
    assert (info["user_balance"], info["user_days_to_block"]) == (12990.4, "9")


def test_registered_and_attached_domains_differ(labone: BegetClient) -> None:
    registered, attached = labone.result("domain/getList")

    assert (registered["fqdn"], registered["registrar"]) == ("shop-example.test", "beget")
    assert registered["date_expire"] == "2026-10-18"
    assert (attached["registrar"], attached["date_expire"]) == (None, 0)
    assert labone.result("domain/getZoneList")["test"]["price_renew"] == "365"


def test_sites_name_their_domains(labone: BegetClient) -> None:
    site = labone.result("site/getList")[0]
    domain = labone.result("domain/getList")[0]

    assert site["path"] == "shop-example.test/public_html"
    assert [(each["id"], each["fqdn"]) for each in site["domains"]] == [(domain["id"], "shop-example.test")]
    assert labone.result("site/isSiteFrozen", site_id=site["id"]) is False


def test_the_small_lists(labone: BegetClient) -> None:
    assert labone.result("mysql/getList") == [
        {"name": "labone_shop", "size": "44", "accesses": [{"name": "localhost"}]}
    ]
    assert labone.result("ftp/getList")[0]["password"] == "lab-secret-ftp"
    assert labone.result("domain/getSubdomainList")[0]["fqdn"] == "www.shop-example.test"
    assert labone.result("backup/getFileBackupList")[0]["date"] == "2026-03-30 00:00:00"
    assert labone.result("backup/getMysqlBackupList")[0]["date"] == "2026-03-30 00:00:00"
    assert labone.result("backup/getLog") == []
    assert labone.result("cron/getList")[0]["command"] == "php backup.php --password=lab-secret-cron"
    assert labone.result("dns/getData", fqdn="shop-example.test")["records"]["DNS"] == [
        {"value": "ns1.example.test"}
    ]
    assert labone.result("mail/forwardListShow", domain="shop-example.test", mailbox="info") == []
    assert labone.result("domain/getPhpVersion", full_fqdn="shop-example.test")["php_version"] == "8.3"


def test_load_of_sites_and_databases(labone: BegetClient) -> None:
    site = labone.result("stat/getSitesListLoad")[0]

    assert (site["name"], site["cp"]) == ("shop-example.test", "195.257188")
    assert labone.result("stat/getDbListLoad") == [{"name": "labone_shop", "cp": "2895.25"}]
    assert len(labone.result("stat/getSiteLoad", site_id=site["id"])["days"]) == 30
    assert len(labone.result("stat/getDbLoad", db_name="labone_shop")["size_days"]) == 30


def test_changing_methods_answer_and_are_counted(lab: EmulatorServer, labone: BegetClient) -> None:
    assert labone.result("user/toggleSsh") is True

    assert [(each.path, each.reason) for each in lab.violations] == [
        ("/beget/hosting/api/user/toggleSsh", "changes the account")
    ]


def test_a_password_in_the_url_works_and_is_counted_but_not_logged(lab: EmulatorServer) -> None:
    query = urlencode({"login": "labone", "passwd": "lab-secret-api", "output_format": "json"})

    reply = call("GET", f"{lab.url}/beget/hosting/api/ftp/getList?{query}")

    assert reply.json["status"] == "success"
    assert [each.reason for each in lab.violations] == ["password in the URL"]
    assert "lab-secret-api" not in str(list(lab.requests))
    assert "lab-secret-api" not in str(lab.violations)
