"""A model's judgements against people's: scores, operating points and their intervals."""
