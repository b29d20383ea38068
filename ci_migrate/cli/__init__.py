"""Click commands, the composition root, and the only place that exits."""
