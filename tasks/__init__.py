"""What Clapper does: one folder per capability, plain library code that runs without Prefect."""
