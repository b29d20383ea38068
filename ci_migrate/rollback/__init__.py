"""One revision taken back by downgrade, and what each way back costs."""
