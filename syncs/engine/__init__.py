"""The sync engine: from a provider's streams to one snapshot.

    collect   network: streams of records into a spool on disk
    billing   \\
    grouping   |
    servers    |
    volumes    } thinking: pure functions from records to records
    file storage
    everything else
    unification|
    completion /
    persist   database: drafts in small batches, then one small transaction that publishes them

Nothing here knows a provider, and no two of network, thinking and database meet in one function.
"""
