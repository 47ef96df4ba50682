"""The certificate's record and its columns say the same."""

from __future__ import annotations

from dataclasses import fields

from schemas.certificate import Certificate, FileFacts, columns
from schemas.manifest import MANIFEST
from schemas.tables import CERTIFICATE, CLIPS


def test_every_field_has_a_column_in_clips_and_manifest() -> None:
    names = [field.name for field in fields(FileFacts)]
    names += [field.name for field in fields(Certificate) if field.name != "facts"]
    assert [name for name, _, _ in CERTIFICATE] == names
    assert set(names) <= set(CLIPS.names)
    assert set(names) <= set(MANIFEST.names)


def test_a_certificate_as_one_row() -> None:
    facts = FileFacts(*(field.name for field in fields(FileFacts)))
    certificate = Certificate(facts, *(field.name for field in fields(Certificate) if field.name != "facts"))
    row = columns(certificate)
    assert list(row) == [name for name, _, _ in CERTIFICATE]
    assert all(name == value for name, value in row.items())
