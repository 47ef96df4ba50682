"""What lacks on this machine, told once and in full."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

import pytest

from schemas.errors import ModelCorrupt, ModelMissing, RecipeError
from schemas.recipe import PROFILES, Recipe
from tasks.models import Model, ModelStore, read_catalogue
from tasks.models.readiness import PACKAGES, check_ready, problems

VERSIONS = {
    "insightface": "2.1",
    "scikit-image": "0.26.0",
    "torch": "2.13.0+cpu",
    "torchaudio": "2.11.0",
    "speechbrain": "1.1.2",
    "transformers": "5.23.0",
    "pyannote.audio": "4.0.7",
    "silero-vad": "6.2.3",
}
FULL = tuple(name for name, model in read_catalogue().items() if "full" in model.profiles)


def recipe(profile: str, **sections) -> Recipe:
    return Recipe(name="realsync", title="test", profile=profile, **sections)


@pytest.fixture
def installed(monkeypatch) -> dict[str, str]:
    """The packages that there are, by distribution; a test may change them."""
    versions = dict(VERSIONS)

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    return versions


@pytest.fixture(autouse=True)
def no_token(monkeypatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)


def empty(tmp_path: Path) -> ModelStore:
    return ModelStore(None, tmp_path / "cache")


def test_nothing_lacks(installed, tmp_path):
    assert problems(recipe("embedded"), (), empty(tmp_path)) == []
    check_ready(recipe("embedded"), (), empty(tmp_path))


def test_one_error_names_every_model_and_one_command_for_all(installed, tmp_path):
    with pytest.raises(ModelMissing) as caught:
        check_ready(recipe("full"), FULL, empty(tmp_path))
    told = str(caught.value)
    for name in FULL:
        model = read_catalogue()[name]
        for part in (name, model.file, model.url, model.size, model.licence):
            assert part in told
    assert told.count("clapper models pull") == 1
    for part in (
        "realsync",
        "7 things",
        "nothing was begun",
        "clapper models pull --profile full",
        "HF_TOKEN",
    ):
        assert part in told
    assert told.count("accept the conditions") == 1


def test_packages_that_are_absent_or_too_old_come_with_the_models(installed, tmp_path):
    del installed["speechbrain"]
    installed["pyannote.audio"] = "3.4.0"
    found = problems(recipe("full"), ["beats"], empty(tmp_path))
    assert [(problem.kind, problem.name) for problem in found] == [
        ("package", "pyannote.audio>=4.0"),
        ("package", "speechbrain>=1.1"),
        ("missing", "beats"),
    ]
    assert "3.4.0 is installed" in found[0].detail
    with pytest.raises(ModelMissing) as caught:
        check_ready(recipe("full"), ["beats"], empty(tmp_path))
    told = str(caught.value)
    assert told.count("pip install 'clapper-av[full]'") == told.count("--no-deps 'speechbrain>=1.1'") == 1


@pytest.mark.parametrize(
    ("profile", "sections", "gone", "command"),
    [
        ("embedded", {}, "silero-vad", "silero-vad"),
        ("light", {}, "torch", "clapper-av[light]"),
        ("light", {"sounds": {"model": "ast"}}, "transformers", "clapper-av[full]"),
        ("embedded", {"turns": {"model": "pyannote"}}, "pyannote.audio", "clapper-av[full]"),
    ],
)
def test_a_package_is_missed_only_where_it_is_used(installed, tmp_path, profile, sections, gone, command):
    del installed[gone]
    (problem,) = problems(recipe(profile, **sections), (), empty(tmp_path))
    assert problem.name.startswith(gone)
    assert command in problem.action
    silent = recipe("embedded", speech={"model": "pyannote"}) if gone == "silero-vad" else recipe("embedded")
    assert problems(silent, (), empty(tmp_path)) == []


def test_one_extra_for_the_full_profile(installed, tmp_path):
    for name in ("torch", "pyannote.audio", "torchaudio"):
        del installed[name]
    found = problems(recipe("full"), (), empty(tmp_path))
    assert {problem.action for problem in found} == {"pip install 'clapper-av[full]'"}


def test_every_profile_says_what_it_needs():
    for models in PROFILES.values():
        for pair in models.items():
            in_every_installation = pair[1] in {"haar", "yunet", "none", "mouth-motion", "spectral"}
            assert (pair in PACKAGES) != in_every_installation


def small(name: str, data: bytes) -> Model:
    return Model(
        name=name, file=f"{name}.bin", url=f"http://127.0.0.1:9/{name}", licence="CC0", bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(), purpose="test",
    )  # fmt: skip


def test_missing_and_corrupt_are_told_apart(installed, tmp_path):
    models = {name: small(name, name.encode()) for name in ("good", "wrong", "absent")}
    store = ModelStore(None, tmp_path, models)
    (tmp_path / "good.bin").write_bytes(b"good")
    (tmp_path / "wrong.bin").write_bytes(b"gnorw")
    found = problems(recipe("embedded"), models, store)
    assert [(problem.kind, problem.name) for problem in found] == [
        ("corrupt", "wrong"),
        ("missing", "absent"),
    ]
    with pytest.raises(ModelMissing, match=r"(?s)- wrong at .*wrong.bin has SHA-256.*- absent is not"):
        check_ready(recipe("embedded"), models, store)
    with pytest.raises(ModelCorrupt, match="1 thing that it needs is not right"):
        check_ready(recipe("embedded"), ["good", "wrong"], store)


def test_an_unknown_model_is_an_error_of_the_recipe(installed, tmp_path):
    with pytest.raises(RecipeError, match="nothing-like-it"):
        problems(recipe("embedded"), ["nothing-like-it"], empty(tmp_path))
