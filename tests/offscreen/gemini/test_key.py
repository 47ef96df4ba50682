"""Where the API key comes from, and what is said where there is none."""

from __future__ import annotations

import sys

import pytest

from schemas.errors import ModelMissing
from schemas.judging import Offscreen
from tasks.offscreen.gemini import client as gemini_module
from tasks.offscreen.gemini.client import SECRET_BLOCK, key_from_environment, open_gemini


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"GEMINI_API_KEY": "one"}, "one"),
        ({"GOOGLE_API_KEY": " two \n"}, "two"),
        ({"GEMINI_API_KEY": "one", "GOOGLE_API_KEY": "two"}, "one"),
        ({"GEMINI_API_KEY": " ", "GOOGLE_API_KEY": "two"}, "two"),
    ],
)
def test_the_key_comes_from_the_environment(monkeypatch, environment, key):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert key_from_environment() == key


@pytest.mark.slow
def test_the_key_may_come_from_a_secret_block(prefect_url):
    from prefect.blocks.system import Secret

    with pytest.raises(ModelMissing):
        key_from_environment()
    Secret(value=" from-a-block\n").save(SECRET_BLOCK)
    try:
        assert key_from_environment() == "from-a-block"
    finally:
        Secret.delete(SECRET_BLOCK)


def test_the_environment_goes_before_a_secret_block(monkeypatch):
    monkeypatch.setattr(gemini_module, "_key_from_block", lambda: "from-a-block")
    assert key_from_environment() == "from-a-block"
    monkeypatch.setenv("GEMINI_API_KEY", "one")
    assert key_from_environment() == "one"


def test_no_key_is_one_clear_error(monkeypatch):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(restore_defaults={PREFECT_API_URL}), pytest.raises(ModelMissing) as raised:
        key_from_environment()
    for words in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "gemini-api-key", "--set offscreen.model=none"):
        assert words in str(raised.value)


def test_a_prefect_server_that_is_away_is_no_error_of_its_own():
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), pytest.raises(ModelMissing):
        key_from_environment()


@pytest.mark.parametrize("key", ["", "two words", "line\nend", "ключ"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_told(key):
    with pytest.raises(ModelMissing) as raised:
        open_gemini(Offscreen(), key)
    assert not key or key not in str(raised.value)


def test_a_missing_package_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.genai", None)
    with pytest.raises(ModelMissing, match="google-genai is not installed"):
        open_gemini(Offscreen(), "a-key")
