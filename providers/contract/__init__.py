"""What every provider plugin promises, free of Django: records, coverage, typed errors and the face itself.

Import from the modules: `errors`, `records`, `plugin`. A plugin may import this package, `providers.http` and
`common.text`, and nothing else of ours.
"""
