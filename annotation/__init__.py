"""The review: people judge clips in Label Studio, and their judgements are measured and decided on."""
