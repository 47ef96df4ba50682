"""Releases: the manifest of a dataset's clips, its version, and the immutable folder that holds it."""

from tasks.manifests.publish import Draft, Release, draft_release, latest_release, publish, releases
from tasks.manifests.rows import manifest_rows

__all__ = ["Draft", "Release", "draft_release", "latest_release", "manifest_rows", "publish", "releases"]
