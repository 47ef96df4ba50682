"""The manifest of a dataset's clips: composed from what the stages recorded, shard by shard."""

from tasks.manifests.parts import PART, part_file, remove_other_parts, write_part
from tasks.manifests.rows import manifest_rows

__all__ = ["PART", "manifest_rows", "part_file", "remove_other_parts", "write_part"]
