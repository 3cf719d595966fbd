import pytest
from cryptography.fernet import Fernet

from infrazen import checks

KEY = Fernet.generate_key().decode()


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([KEY], []),
        ([KEY, Fernet.generate_key().decode()], []),
        ([], ["infrazen.E001"]),
        ([KEY, "short", "not base64!"], ["infrazen.E002", "infrazen.E002"]),
    ],
)
def test_key_ring_holds_fernet_keys_only(settings, keys: list[str], found: list[str]) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys

    assert [message.id for message in checks.key_ring(None)] == found


def test_broken_key_is_named_by_its_place_and_not_shown(settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [KEY, "hunter2"]

    assert [message.msg for message in checks.key_ring(None)] == [
        "Key 2 in FIELD_ENCRYPTION_KEYS is not a Fernet key (32 bytes, url-safe base64)."
    ]


@pytest.mark.parametrize(
    ("is_production", "debug", "loopback", "demo", "found"),
    [
        (False, True, True, False, []),
        (True, False, False, False, []),
        (True, True, False, False, ["infrazen.E003"]),
        (True, False, True, False, ["infrazen.W001"]),
        (True, False, True, True, []),
    ],
)
def test_production_is_told_from_a_laboratory(
    settings, is_production: bool, debug: bool, loopback: bool, demo: bool, found: list[str]
) -> None:
    settings.IS_PRODUCTION = is_production
    settings.DEBUG = debug
    settings.ALLOW_LOOPBACK_PROVIDERS = loopback
    settings.DEMO_MODE = demo

    assert [message.id for message in checks.production_is_not_a_laboratory(None)] == found


@pytest.mark.parametrize(
    ("is_production", "is_open", "mail", "found"),
    [
        (True, True, "", ["infrazen.W002"]),
        (True, True, "smtp://mail.example.com", []),
        (True, False, "", []),
        (False, True, "", []),
    ],
)
def test_registration_without_letters_is_warned_of(settings, is_production, is_open, mail, found) -> None:
    settings.IS_PRODUCTION = is_production
    settings.SIGNUP_OPEN = is_open
    settings.EMAIL_URL = mail

    assert [message.id for message in checks.registration_has_letters(None)] == found
