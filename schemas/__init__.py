"""What passes between the parts of Clapper: units, errors, recipes, records and table schemas.

This package imports nothing of the project, so every other part may import it.
"""
