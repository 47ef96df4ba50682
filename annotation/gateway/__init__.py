"""The only address that people open: a reverse proxy that lets each person do her part of the review and no more.

Label Studio's community edition knows no roles: whoever may log in may read, edit and delete everything. So nobody
reaches it but through here, where every call that is allowed stands in one table (`calls`), what goes on is written
anew (never the path, query, body or headers as they came), and what comes back is made blind (`blind`).
"""
