"""Settings of the shop's site."""

SITE = "shop"
