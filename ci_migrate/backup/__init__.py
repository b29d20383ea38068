"""Backups that are taken and proved before an upgrade, and the way back.

Taking: `take.take_backup` lets a backend of `backends/` write into `writing`, which proves, encrypts and hashes what
passes and hands it to a store of `stores/`; the manifest is written last, so what has none is no backup.
The way back: `inventory` finds manifests in a store, `reading.open_backup` yields the plain archive of one,
`verify.verify_backup` proves it, and `Backend.restore_archive` loads it into an empty database.
"""
