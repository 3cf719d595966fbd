"""A security key of nobody's, for pages that list or ask for one."""

from __future__ import annotations

from allauth.mfa.models import Authenticator

from accounts.models import User

KEY_ID = "rfQs9RoTcuBfa8_Vg2b2y7KZGzVxUk9blg5HALhPjgQ"
KEY = {  # as Chromium's virtual authenticator made it for a site of nobody's
    "type": "public-key",
    "id": KEY_ID,
    "rawId": KEY_ID,
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiTlVDNGM5emtUTjJNVngyQTFzV3BYMGFFSmkzTXpoUFR"
        "IRjFqTV9KWGJCMCIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3Q6MTg3NjUiLCJjcm9zc09yaWdpbiI6ZmFsc2V9",
        "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikSZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NFAAAAAQECAwQF"
        "BgcIAQIDBAUGBwgAIK30LPUaE3LgX2vP1YNm9suymRs1cVJPW5YORwC4T44EpQECAyYgASFYINLuiFV-Uj7yhVC3xj9Rzr9uafzCQphf"
        "--rOUgCnU9BVIlggLMq37Dp4XAIJAPWA1-6rBhe63382u3BMgspi-xurXQU",
        "transports": ["internal"],
    },
    "clientExtensionResults": {"credProps": {"rk": True}},
}


def with_key(user: User) -> Authenticator:
    return Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key", "credential": KEY}
    )
