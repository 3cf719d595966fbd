"""Encrypts the secrets of second factors that were set up before they were kept as ciphertext."""

from django.db import migrations

from common.crypto import key_ring

SECRETS = ("secret", "seed")
CIPHERTEXT = "gAAAA"  # every Fernet token begins so, and no base32 or hexadecimal secret does


def _rewrite(apps, is_due, rewritten):
    for row in apps.get_model("mfa", "Authenticator").objects.exclude(type="webauthn").iterator(500):
        due = [name for name in SECRETS if name in row.data and is_due(row.data[name])]
        for name in due:
            row.data[name] = rewritten(row.data[name].encode()).decode()
        if due:
            row.save(update_fields=["data"])


def encrypt(apps, schema_editor):
    _rewrite(apps, lambda secret: not secret.startswith(CIPHERTEXT), lambda secret: key_ring().encrypt(secret))


def decrypt(apps, schema_editor):
    _rewrite(apps, lambda secret: secret.startswith(CIPHERTEXT), lambda secret: key_ring().decrypt(secret))


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_time_zones_that_exist'),
        ('mfa', '0003_authenticator_type_uniq'),
    ]

    operations = [migrations.RunPython(encrypt, decrypt)]
