"""Data quality: validation rules over batches, answers to submitters, checks of a closed day.

`rules` loads the catalogue, `evaluate` runs it, `answers` tells submitters, `suites` checks a day
of the ledger with Great Expectations. Importing any of them imports no heavy library.
"""
