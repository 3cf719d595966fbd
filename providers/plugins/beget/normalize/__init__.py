"""Beget's JSON made into records. Pure: no network, no clock, no state.

Lenient as Beget is: numbers come as text, absent fields mean their default, unknown words are kept. What
identifies a thing or prices it must be there, else UnexpectedResponse: neither is ever guessed.
"""
