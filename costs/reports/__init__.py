"""Reports: sections of figures put together once, made on demand or on a schedule, kept, and sent as files."""
