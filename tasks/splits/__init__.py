"""Train, dev and test: whole videos and all that is alike on one side, for ever, and held-out sets like the rest."""

from tasks.splits.split import Splitting, split_videos

__all__ = ["Splitting", "split_videos"]
