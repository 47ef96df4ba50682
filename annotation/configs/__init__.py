"""The pages on which people answer, their projects on the review server, and what an answer means."""
