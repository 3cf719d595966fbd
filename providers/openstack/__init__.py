"""What every OpenStack cloud has in common, free of Django: Selectel, private clouds and others read through it.

| module | holds |
|---|---|
| `client` | `Cloud`, `Login`, `ServiceClient`: tokens, catalogue and calls, held to the rules of `providers.http` |
| `paging` | `marker_pages`, `offset_list`: lists until they end by themselves |
| `parallel` | `in_parallel`: scopes listed at the same time, handed over in order |
| `normalize` | raw JSON to records; pure |
| `joining` | what belongs to what within one project and region; pure |
| `inventory` | `Inventory`: every project x every region of the catalogue x every list |
| `series` | CPU and memory from Gnocchi |
"""
