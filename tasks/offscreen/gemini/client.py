"""Gemini through google-genai: a clip and a prompt in, the answer and its cost in tokens out.

    gemini = open_gemini(section, key_from_environment())
    with gemini.sent(clip) as sent:
        tokens = gemini.count(sent, prompt)
        reply = gemini.ask(sent, prompt)

A clip goes inline, or by upload where it is larger than the recipe's `inline_limit`; an upload is made once for all
that is asked about it and deleted afterwards. Nothing that is sent names the clip: an upload is called by the first
16 hex digits of its SHA-256. Retrying is left to `faults.retried`, so that every request is seen by whoever keeps the
accounts; the client itself tries once.

Where GOOGLE_GEMINI_BASE_URL is set, the client sends there instead of to Google.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from schemas.errors import ModelMissing
from schemas.judgement import Judgement
from schemas.judging import Offscreen
from tasks.offscreen.gemini.faults import KEY_VARIABLES, Fault, Subject, fault_of, quiet_loggers
from tasks.offscreen.reply import Reply, Usage

if TYPE_CHECKING:
    from google.genai import Client, types

SECRET_BLOCK = "gemini-api-key"
"""The Prefect Secret block that may hold the key."""

CLIP_TYPE = "video/mp4"

FIRST_POLL_S, POLL_GROWTH, LONGEST_POLL_S = 0.2, 1.6, 5.0
"""An upload is asked after at these intervals, each varied by chance by 30 %."""

DELETION_TIMEOUT_MS = 10_000
"""Nobody waits longer for a deletion: the service deletes uploads by itself after two days."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Sent:
    """A clip as requests name it: its bytes, or a reference to its upload."""

    part: types.Part = field(repr=False)


@dataclass(frozen=True)
class Gemini:
    """One open connection to the service, for any number of threads.

    Its methods raise `Fault` for whatever goes wrong between us and the service.
    """

    section: Offscreen
    client: Client = field(repr=False)
    key: str = field(repr=False)
    sleep: Callable[[float], object] = time.sleep

    @contextmanager
    def sent(self, clip: Path) -> Iterator[Sent]:
        """The clip, ready to be asked about, as long as the context lasts.

        Raises:
            OSError: the clip cannot be read.
            Fault: `upload_stuck`, `upload_failed`, or what any request may meet.
        """
        if goes_inline(self.section, clip.stat().st_size):
            yield self.inline(clip)
            return
        with clip.open("rb") as opened:
            name = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
            upload = self.upload(opened, name, CLIP_TYPE)
        try:
            yield self.ready(upload)
        finally:
            self.delete(upload.name)

    def count(self, sent: Sent, prompt: str) -> int:
        """Tokens that the service counts in the clip and the prompt. Costs nothing."""
        model, contents = self.section.service_model, contents_of(sent, prompt)
        counted = self.call(lambda: self.client.models.count_tokens(model=model, contents=contents))
        if counted.total_tokens is None:
            raise Fault("unreadable", "the service counted the tokens and did not say how many there are")
        return counted.total_tokens

    def ask(self, sent: Sent, prompt: str) -> Reply:
        """The answer to one request, which is charged for."""
        model, contents, settings = self.section.service_model, contents_of(sent, prompt), self.settings()
        ask = self.client.models.generate_content
        return reply_of(self.call(lambda: ask(model=model, contents=contents, config=settings)))

    def inline(self, clip: Path) -> Sent:
        """The clip's own bytes as part of the request."""
        from google.genai import types

        data = types.Blob(data=clip.read_bytes(), mime_type=CLIP_TYPE)
        return Sent(types.Part(inline_data=data, video_metadata=self._watching()))

    def upload(self, opened: IO[bytes], name: str, kind: str) -> types.File:
        """Hand the service a file under a name that says nothing; it may not be ready for use yet."""
        # The client puts a path's last part in a header; of an open file it knows no name.
        # It sends what is left of one: of a file that was tried before, nothing.
        opened.seek(0)
        try:
            upload = self.call(
                lambda: self.client.files.upload(
                    file=opened, config={"display_name": name, "mime_type": kind}
                ),
                about="file",
            )
        except ValueError:
            # So the client ends where the service breaks off an upload.
            upload = None
        if upload is None or not upload.name:
            raise Fault("upload_failed", "the service did not take the upload to its end")
        return upload

    def ready(self, upload: types.File) -> Sent:
        """The upload as part of a request, once the service has taken it in.

        Raises:
            Fault: `upload_stuck` after `upload_timeout`, `upload_failed` if the service cannot read it.
        """
        from google.genai import types

        file = self.active(upload)
        data = types.FileData(file_uri=file.uri, mime_type=file.mime_type or CLIP_TYPE)
        return Sent(types.Part(file_data=data, video_metadata=self._watching()))

    def active(self, upload: types.File) -> types.File:
        """The upload once it is ready for use; see `ready`."""
        limit_ms = self.section.upload_timeout
        deadline_s, poll_s = time.monotonic() + limit_ms / 1000, FIRST_POLL_S
        while True:
            state = upload.state.name if upload.state else "PROCESSING"
            if state == "ACTIVE" and upload.uri:
                return upload
            if state == "FAILED":
                raise Fault("upload_failed", "the service could not read the upload")
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise Fault("upload_stuck", f"the upload is still {state} after {limit_ms / 1000:g} s")
            self.sleep(min(left_s, poll_s * random.uniform(0.7, 1.3)))
            poll_s = min(poll_s * POLL_GROWTH, LONGEST_POLL_S)
            try:
                upload = self.call(lambda name=upload.name: self.client.files.get(name=name), about="file")
            except Fault as fault:
                if not fault.worth_retrying:
                    raise
                poll_s = max(poll_s, fault.retry_after_s or 0.0)

    def delete(self, name: str) -> None:
        """Delete an upload if that is possible now."""
        limit = {"http_options": {"timeout": min(self.section.timeout, DELETION_TIMEOUT_MS)}}
        with suppress(Fault):
            self.call(lambda: self.client.files.delete(name=name, config=limit), about="file")

    def call(self, request: Callable[[], Result], about: Subject = "model") -> Result:
        """What `request` returns, or its failure as a `Fault` that holds on to nothing of the original."""
        try:
            return request()
        except (AttributeError, KeyError, TypeError) as error:
            # So the client stumbles over an answer of another shape.
            kind = "upload_failed" if about == "file" else "unreadable"
            fault = Fault(
                kind, f"the client cannot read the answer: {type(error).__name__}", may_be_charged=True
            )
        except Exception as error:
            fault = fault_of(error, about, self.key)
        # Outside of the handler: an error of the client, which may quote the key, is then no context of the fault.
        raise fault

    def settings(self) -> types.GenerateContentConfig:
        """How the service shall answer, by the recipe; the schema keeps its limits of numbers and lengths."""
        from google.genai import types

        section = self.section
        thinking = (
            None if section.thinking == "default" else types.ThinkingConfig(thinking_level=section.thinking)
        )
        resolution = (
            None if section.resolution == "default" else f"MEDIA_RESOLUTION_{section.resolution.upper()}"
        )
        return types.GenerateContentConfig(
            response_mime_type="application/json",
            response_json_schema=Judgement.model_json_schema(),
            temperature=section.temperature,
            seed=section.seed,
            max_output_tokens=section.max_output_tokens,
            thinking_config=thinking,
            media_resolution=resolution,
            # Of one call the client would otherwise make several requests, each of which costs.
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            automatic_continuation=False,
        )

    def _watching(self) -> types.VideoMetadata:
        from google.genai import types

        start_ms, end_ms = self.section.send_from, self.section.send_until
        return types.VideoMetadata(
            fps=self.section.frame_rate,
            start_offset=_seconds(start_ms) if start_ms else None,
            end_offset=None if end_ms is None else _seconds(end_ms),
        )


def open_gemini(section: Offscreen, key: str, sleep: Callable[[float], object] = time.sleep) -> Gemini:
    """A client for the recipe's API version and time-out. Sends nothing yet.

    Args:
        sleep: waits for so many seconds; a run that can be stopped gives its own.

    Raises:
        ModelMissing: google-genai is not installed, or the key is none.
    """
    try:
        from google.genai import Client, types
    except ImportError as missing:
        package = "pip install 'clapper-av[gemini]'"
        raise ModelMissing("gemini", "the package google-genai is not installed", package) from missing
    if not key.isascii() or not key.isprintable() or " " in key or not key:
        raise ModelMissing(
            "gemini", "the API key is empty or has spaces or line ends in it", _HOW_TO_HAVE_A_KEY
        )
    quiet_loggers()
    options = types.HttpOptions(api_version=section.api_version, timeout=section.timeout)
    # Said outright, as the environment may ask for the cloud's own service, which knows no such key.
    return Gemini(section, Client(vertexai=False, api_key=key, http_options=options), key, sleep)


_HOW_TO_HAVE_A_KEY = (
    f"set {KEY_VARIABLES[0]} (or {KEY_VARIABLES[1]}), or make a Prefect Secret block named {SECRET_BLOCK}; "
    "to go on without a model: --set offscreen.model=none"
)


def key_from_environment() -> str:
    """The API key: GEMINI_API_KEY, GOOGLE_API_KEY, or the Secret block of a Prefect server that is configured.

    Raises:
        ModelMissing: there is none. Says how to set one and how to go on without.
    """
    for name in KEY_VARIABLES:
        if key := os.environ.get(name, "").strip():
            return key
    if key := _key_from_block():
        return key
    raise ModelMissing("gemini", f"no API key: {' and '.join(KEY_VARIABLES)} are not set", _HOW_TO_HAVE_A_KEY)


def _key_from_block() -> str:
    """The key in the Secret block; empty if Prefect has no server, does not answer, or has no such block."""
    if not os.environ.get("PREFECT_API_URL") and "prefect" not in sys.modules:
        return ""
    import httpx
    from prefect.blocks.system import Secret
    from prefect.exceptions import PrefectException
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        return ""
    try:
        return str(Secret.load(SECRET_BLOCK).get()).strip()
    except (ValueError, httpx.HTTPError, PrefectException):
        return ""


def goes_inline(section: Offscreen, size_bytes: int) -> bool:
    """Whether a clip of this size is sent as part of the request."""
    return section.send == "inline" or (section.send == "auto" and size_bytes <= section.inline_limit)


def _seconds(ms: int) -> str:
    """As google.protobuf.Duration is written."""
    return f"{ms // 1000}.{ms % 1000:03d}s"


def contents_of(sent: Sent, prompt: str) -> list[types.Content]:
    """The clip first and then the words, as the service advises for a single video."""
    from google.genai import types

    return [types.Content(role="user", parts=[sent.part, types.Part(text=prompt)])]


def reply_of(response: types.GenerateContentResponse | Mapping[str, Any]) -> Reply:
    """An answer of the service, as the client's object or as the JSON that it came in. Thoughts are no part of it."""
    if not isinstance(response, Mapping):
        wanted = {"candidates", "prompt_feedback", "usage_metadata", "model_version"}
        response = response.model_dump(mode="json", by_alias=True, exclude_none=True, include=wanted)
    candidate = next(iter(response.get("candidates") or ()), {})
    parts = (candidate.get("content") or {}).get("parts") or ()
    text = "".join(part.get("text") or "" for part in parts if not part.get("thought"))
    return Reply(
        text=text or None,
        finish=candidate.get("finishReason"),
        blocked=(response.get("promptFeedback") or {}).get("blockReason"),
        usage=_usage_of(response.get("usageMetadata") or {}),
        model_version=response.get("modelVersion"),
    )


def _usage_of(metadata: Mapping[str, Any]) -> Usage:
    """Tokens as they are charged; zero for what the service does not mention."""

    def tokens(name: str) -> int:
        return int(metadata.get(name) or 0)

    details = metadata.get("promptTokensDetails") or ()
    return Usage(
        input_tokens=tokens("promptTokenCount") + tokens("toolUsePromptTokenCount"),
        audio_tokens=sum(
            int(one.get("tokenCount") or 0) for one in details if one.get("modality") == "AUDIO"
        ),
        output_tokens=tokens("candidatesTokenCount") + tokens("thoughtsTokenCount"),
    )
