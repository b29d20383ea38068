"""Backups that are taken and proved before an upgrade, one file per backend."""
