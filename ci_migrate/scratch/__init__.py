"""Scratch databases: empty copies of an environment's database server, gone afterwards in every case."""
