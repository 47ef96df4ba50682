"""Audio-visual evidence: could a person tell from a clip whether picture and sound are in time?

See `weigh` and `STAGE`.
"""

from tasks.evidence.stage import STAGE
from tasks.evidence.weigh import EVIDENCE, Chunk, Evidence, weigh

__all__ = ["EVIDENCE", "STAGE", "Chunk", "Evidence", "weigh"]
