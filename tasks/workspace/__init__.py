"""The workspace: where everything lies, what is present, what is missing, and what became of each item.

`layout` names the files and writes them atomically, `catalog` keeps the discovered videos in shards,
`stage` is the contract of a stage, `outputs` are the tables and journals, `reconcile` brings one stage of
one shard up to date, `ledger` answers what was done, dropped, failed or unavailable.
"""
