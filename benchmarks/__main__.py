"""`python -m benchmarks [name] [options]`: the figures that we promise, measured; without a name, `sync_10k`."""

import sys
from importlib import import_module

NAMES = (
    "account",
    "admin_lists",
    "anomalies",
    "complete_sync",
    "cost_pages",
    "deletion",
    "focus_export",
    "forecast",
    "recommendations_scale",
    "recommendations_waste",
    "sync_10k",
)

arguments = sys.argv[1:]
name = arguments.pop(0) if arguments[:1] and arguments[0] in NAMES else "sync_10k"
import_module(f"benchmarks.{name}").main(arguments)
