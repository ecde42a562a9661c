"""A client that is made like the vendors' own: options are copied by ``with_options``, and its headers are a property without a setter."""

from __future__ import annotations

import json
import urllib.request
from typing import Any, Mapping


class OpenAI:
    def __init__(self, *, api_key: str, base_url: str = "https://api.openai.com/v1", default_headers: Mapping[str, str] | None = None) -> None:
        self.api_key, self.base_url, self._custom_headers = api_key, base_url, dict(default_headers or {})

    @property
    def default_headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Content-Type": "application/json", "Authorization": f"Bearer {self.api_key}", **self._custom_headers}

    def with_options(self, *, api_key: str | None = None, base_url: str | None = None, default_headers: Mapping[str, str] | None = None) -> OpenAI:
        return self.__class__(
            api_key=api_key or self.api_key, base_url=base_url or self.base_url, default_headers={**self._custom_headers, **(default_headers or {})}
        )

    def complete(self, **body: Any) -> Any:
        request = urllib.request.Request(f"{self.base_url}/chat/completions", json.dumps(body).encode(), self.default_headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
