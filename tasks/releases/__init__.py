"""Releases: versions of a dataset that never change, and what is made of them."""

from tasks.releases.folder import Release, latest_release, releases

__all__ = ["Release", "latest_release", "releases"]
