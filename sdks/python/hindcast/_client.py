"""The way to the server: one request an event, repeated under the same id until it is answered."""

from __future__ import annotations

import http.client
import json
import logging
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Mapping, TypeVar

from ._models import through
from ._trace import Trace

_log = logging.getLogger("hindcast")
_Client = TypeVar("_Client")

_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 30.0
_TIMEOUT_S = 15.0


class Hindcast:
    """Knows the server, the key and the agent; safe to use from any thread.

    ``agent_metadata`` (``{"systemPrompt": ..., "tools": [...]}``) registers the agent, or a new version of it, before its first event.
    ``on_lost`` hears of each event that will not arrive, with the reason.
    """

    def __init__(
        self,
        api_key: str,
        agent_name: str,
        agent_metadata: Mapping[str, Any] | None = None,
        base_url: str = "http://127.0.0.1:8080",
        on_lost: Callable[[str], None] | None = None,
    ) -> None:
        self.api_key = api_key
        self.agent_name = agent_name
        self.base_url = base_url.rstrip("/")
        self.lost = 0
        self._metadata = agent_metadata
        self._on_lost = on_lost

    def trace(self, trace_id: str) -> Trace:
        """A builder of one trace; the id is any text up to 128 characters, and the same for all who work on the trace."""
        return Trace(self, trace_id)

    def openai(self, client: _Client) -> _Client:
        """The same OpenAI client, but through the server's gateway: base URL, key and agent are set, and its calls are recorded.

        ``default_headers`` of what is returned can be assigned, so that ``X-Trace-ID`` may name the trace.
        """
        return through(client, base_url=f"{self.base_url}/v1", api_key=self.api_key, agent=self.agent_name)

    def anthropic(self, client: _Client) -> _Client:
        """The same for an Anthropic client."""
        return through(client, base_url=self.base_url, api_key=self.api_key, agent=self.agent_name)

    def _send(self, event: Mapping[str, Any]) -> None:
        """Stores an event, and never raises."""
        if self._metadata is not None:
            metadata, self._metadata = self._metadata, None
            self._post("/api/entities/init", {"agentName": self.agent_name, "metadata": {"tools": [], **metadata}})
        self._post("/api/events/ingest", {**event, "agentName": self.agent_name})

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        try:
            data = json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            return self._lose(f"it is no JSON: {error}")
        why = ""
        for attempt in range(_ATTEMPTS):
            pause = _FIRST_PAUSE_S * 2**attempt
            try:
                request = urllib.request.Request(self.base_url + path, data, {"Content-Type": "application/json", "Authorization": f"Bearer {self.api_key}"})
                with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                    answer.read()
                return None
            except urllib.error.HTTPError as error:
                with error:
                    why = f"{error.code}: {error.read().decode(errors='replace')}"
                if error.code not in (408, 429) and (error.code < 500 or error.code == 501):
                    break
                pause = _seconds(error.headers.get("Retry-After"), pause)
            except (OSError, http.client.HTTPException, ValueError) as error:
                why = str(error)
            if attempt < _ATTEMPTS - 1:
                time.sleep(min(pause, _LONGEST_PAUSE_S))
        return self._lose(why)

    def _lose(self, why: str) -> None:
        self.lost += 1
        _log.warning("an event is lost: %s", why)
        if self._on_lost is not None:
            try:
                self._on_lost(why)
            except Exception:  # who listens must not break what is traced
                _log.exception("on_lost failed")


def _seconds(text: str | None, otherwise: float) -> float:
    try:
        return float(text) if text is not None else otherwise
    except ValueError:
        return otherwise
