"""Clients of model vendors, sent through the gateway."""

from __future__ import annotations

from typing import Any, Mapping, TypeVar

_Client = TypeVar("_Client")


def through(client: _Client, *, base_url: str, api_key: str, agent: str) -> _Client:
    """A copy of the client with another address and key, made by its own ``with_options``."""
    copy: Any = client.with_options(base_url=base_url, api_key=api_key, default_headers={"X-Agent-Name": agent})  # type: ignore[attr-defined]
    kind = type(copy)
    if kind.default_headers.fset is None:
        # The vendors' clients can be given headers when they are made and not afterwards: theirs is a property without a setter.
        copy.__class__ = type(kind.__name__, (kind,), {"default_headers": kind.default_headers.setter(_set_headers), "__module__": kind.__module__})
    return copy  # type: ignore[no-any-return]


def _set_headers(client: Any, headers: Mapping[str, Any]) -> None:
    client._custom_headers = dict(headers)
