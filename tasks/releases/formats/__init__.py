"""The forms in which a version is loaded and handed on: Parquet with its clips, shards, others' layouts."""
