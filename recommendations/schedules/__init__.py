"""Office-hours calendars that say what switching off would save; nothing is changed at a provider."""
