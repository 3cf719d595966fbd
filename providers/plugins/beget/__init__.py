"""Beget: hosting API and cloud API of one account.

`client` makes the calls and knows the envelopes, `normalize` turns raw JSON into records (pure), `provider` is
the face and decides what each scope's result is. Facts about the APIs: Beget's knowledge base (hosting API) and
its OpenAPI files (VPS 1.8.1, cloud 1.6.6, auth 1.1.2, images 1.0.6).
"""
