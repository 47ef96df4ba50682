"""What runs, and in which order: thin Prefect flows, the recipes and the command line."""
