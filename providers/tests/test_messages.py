"""Errors in the reader's language."""

from django.utils import translation

from providers.contract.errors import AuthenticationFailed, RateLimited
from providers.messages import Explanation, explain, sentence, stored


def test_a_rejected_key_says_what_to_do(fake_provider) -> None:
    error = AuthenticationFailed(
        "The login %(login)s is wrong.", provider="fake", operation="t", params={"login": "a"}
    )

    assert explain(error, provider_type="fake") == Explanation(
        code="authentication_failed",
        title="Fake Cloud rejected the credentials.",
        text="The login a is wrong.",
        action="edit",
        action_label="Replace the credentials",
    )


def test_a_stored_error_reads_like_the_fresh_one(fake_provider) -> None:
    error = RateLimited("Wait %(seconds)d s.", provider="fake", operation="t", params={"seconds": 12})

    kept = stored(error)

    assert kept == {"code": "rate_limited", "message": "Wait %(seconds)d s.", "params": {"seconds": 12}}
    assert explain(kept, provider_type="fake") == explain(error, provider_type="fake")


def test_an_error_of_a_plugin_that_is_gone_still_reads(fake_provider) -> None:
    explanation = explain({"code": "what_is_this", "message": "Broken."}, provider_type="gone")

    assert str(explanation) == "gone could not be read. Broken."


def test_no_error_is_nothing() -> None:
    assert explain({}, provider_type="fake") is None
    assert explain(None, provider_type="fake") is None


def test_a_sentence_with_a_missing_place_is_shown_bare() -> None:
    assert sentence("Wait %(seconds)d s.", {"minutes": 1}) == "Wait %(seconds)d s."
    assert sentence("100 %") == "100 %"
    assert sentence("") == ""


def test_a_sentence_is_in_the_readers_language() -> None:
    with translation.override("ru"):
        assert sentence("Yes") == "Да"  # a message of Django's own catalogue
