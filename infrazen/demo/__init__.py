"""The demo: real plugins and the real engine over emulated providers, with a past and a clock that goes on.

| module | what |
|---|---|
| `plan`, `state` | what the demo is made of (`demo.toml`); what a data folder remembers of it (`demo.json`) |
| `history`, `serve` | its past, replayed through real syncs; the start of `make demo` |
| `catalogue`, `faults` | what may go wrong at the emulated providers, and for whom it is on |
| `operations`, `reset`, `forward`, `switches`, `status` | what a command or the admin does with it |
| `emulators` | the emulators' control API |
"""

from infrazen.demo.history import emulated_providers, replay
from infrazen.demo.plan import ZONE, Plan, today
from infrazen.demo.state import remembered_anchor

__all__ = ["ZONE", "Plan", "emulated_providers", "remembered_anchor", "replay", "today"]
