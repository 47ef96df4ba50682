"""Moments: the spans of a source, 3 to 13 s around what is seen and heard at once, that become clips.

See `tasks.moments.stage.STAGE`. Nothing is imported here: the process that decodes a source starts often.
"""
