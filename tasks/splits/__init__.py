"""Train, dev and test: whole videos, shares met by duration within each channel, stable under growth."""

from tasks.splits.assign import SPLITS, assign_splits

__all__ = ["SPLITS", "assign_splits"]
