"""The examples of the documentation page, as they are printed, against a server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from hindcast import Hindcast  # noqa: E402

URL, KEY = os.environ["HINDCAST_URL"].rstrip("/"), os.environ["HINDCAST_KEY"]

try:
    from openai import OpenAI  # type: ignore[import-not-found]

    def complete(client: Any) -> None:
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}])

except ImportError:
    from vendor import OpenAI  # type: ignore[assignment]

    def complete(client: Any) -> None:
        client.complete(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}])


def get(path: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(URL + path, headers={"X-API-Key": KEY})) as answer:
        return json.load(answer)


def tree(trace_id: str, spans: int) -> Any:
    """The trace as soon as all of it can be read."""
    for _ in range(200):
        try:
            found = get(f"/api/v1/traces/{trace_id}/tree")
            if found["span_count"] == spans and '"running"' not in json.dumps(found):
                return found
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            error.close()
        time.sleep(0.05)
    raise AssertionError(f"{trace_id} never had {spans} spans")


def facts(trace_id: str) -> list[Any]:
    return list(get(f"/api/v1/traces/{trace_id}/timeline")["items"])


class Page(unittest.TestCase):
    def setUp(self) -> None:
        self.lost: list[str] = []
        self.sdk = Hindcast(KEY, "support-agent", base_url=URL, on_lost=self.lost.append)

    def tearDown(self) -> None:
        self.assertEqual(self.lost, [])

    def test_manual_events(self) -> None:
        sdk = self.sdk
        trace = sdk.trace("session-123")
        trace.user_message_sync(
            [{"role": "user", "content": "Reset my password."}],
            external_user_id="user_12345",
        )
        span_id = trace.tool_call_request_sync(
            "search_orders",
            [{"name": "search_orders", "arguments": {"orderId": "123"}}],
            latency_ms=11,
        )
        trace.tool_call_response_sync(
            "search_orders",
            span_id,
            [{"name": "search_orders", "arguments": {"orderId": "123"}}],
            {"status": "shipped"},
            latency_ms=88,
        )
        trace.llm_response_sync(
            "openai/gpt-4o-mini",
            "openai",
            "Your order has shipped.",
            finish_reason="stop",
            latency_ms=390,
            usage={"promptTokens": 42, "completionTokens": 16, "totalTokens": 58},
        )

        found = tree("session-123", 3)
        self.assertEqual({s["kind"] for s in found["spans"]}, {"message", "tool", "llm"})
        self.assertEqual(found["user_id"], "user_12345")
        self.assertEqual({s["user_id"] for s in found["spans"]}, {"user_12345"}, "stored on every event and trace")
        self.assertEqual(found["totals"]["tokens"]["total"], 58)
        self.assertEqual(next(s for s in found["spans"] if s["kind"] == "tool")["duration_ms"], 88)

    def test_manual_events_awaited(self) -> None:
        async def run() -> None:
            sdk = self.sdk
            trace = sdk.trace("session-124")
            await trace.user_message(
                [{"role": "user", "content": "Reset my password."}],
                external_user_id="user_12345",
            )
            span_id = await trace.tool_call_request(
                "search_orders",
                [{"name": "search_orders", "arguments": {"orderId": "123"}}],
                latency_ms=11,
            )
            await trace.tool_call_response(
                "search_orders",
                span_id,
                [{"name": "search_orders", "arguments": {"orderId": "123"}}],
                {"status": "shipped"},
                latency_ms=88,
            )

        asyncio.run(run())
        self.assertEqual([f["type"] for f in facts("session-124")], ["user_message", "tool_call_request", "tool_call_response"])
        self.assertEqual(len(tree("session-124", 2)["spans"]), 2)

    def test_prompt_caching_usage(self) -> None:
        async def run() -> None:
            trace = self.sdk.trace("cached")
            await trace.llm_response(
                "anthropic/claude-sonnet-4-5",
                "anthropic",
                "Done.",
                usage={
                    "promptTokens": 1200,
                    "completionTokens": 240,
                    "totalTokens": 9940,
                    "cacheReadTokens": 8200,
                    "cacheCreationTokens": 300,
                },
                latency_ms=860,
            )

        asyncio.run(run())
        totals = tree("cached", 1)["totals"]
        self.assertEqual(totals["tokens"]["total"], 9940)
        self.assertAlmostEqual(totals["cost"]["total_usd"], 0.010785, 9)

    def test_hybrid_pattern(self) -> None:
        sdk = self.sdk

        def charge_card() -> Any:
            return {"ok": True}

        trace_id = "checkout-8841"
        client = sdk.openai(OpenAI(api_key="YOUR_WHYOPS_API_KEY"))
        client.default_headers = {  # type: ignore[misc]
            **(client.default_headers or {}),
            "X-Trace-ID": trace_id,
            "X-Thread-ID": trace_id,
        }
        trace = sdk.trace(trace_id)
        span_id = trace.tool_call_request_sync(
            "charge_card",
            [{"name": "charge_card", "arguments": {"amount": 4999, "currency": "usd"}}],
        )
        result = charge_card()
        trace.tool_call_response_sync(
            "charge_card",
            span_id,
            [{"name": "charge_card", "arguments": {"amount": 4999, "currency": "usd"}}],
            result,
        )
        complete(client)

        found = tree(trace_id, 3)
        self.assertEqual({(s["kind"], s["agent"]) for s in found["spans"]}, {("tool", "support-agent"), ("message", "support-agent"), ("llm", "support-agent")})

    def test_method_map(self) -> None:
        def both(trace: Any, awaited: bool, method: str, *args: Any, **named: Any) -> Any:
            return asyncio.run(getattr(trace, method)(*args, **named)) if awaited else getattr(trace, f"{method}_sync")(*args, **named)

        for awaited in (False, True):
            trace = self.sdk.trace(f"map-{awaited}")
            both(trace, awaited, "user_message", [{"role": "user", "content": "Hi"}], metadata={"systemPrompt": "Be brief."})
            both(trace, awaited, "llm_thinking", "hm", signature="s")
            both(trace, awaited, "llm_response", "gpt-4o", "openai", None, tool_calls=[{"function": {"name": "lookup", "arguments": "{}"}}])
            both(trace, awaited, "embedding_request", ["a", "b"], span_id="e")
            both(trace, awaited, "embedding_response", "text-embedding-3-small", "openai", 2, 1536, total_tokens=9, latency_ms=20, span_id="e")
            span_id = both(trace, awaited, "tool_call_request", "lookup", [{"name": "lookup", "arguments": {}}])
            both(trace, awaited, "tool_call_response", "lookup", span_id, [{"name": "lookup", "arguments": {}}], {"ok": True})
            both(trace, awaited, "tool_result", "lookup", {"ok": True})
            both(trace, awaited, "error", "boom", status=500, stack="at x")
            self.assertEqual(
                [f["type"] for f in facts(trace.trace_id)],
                ["user_message", "llm_thinking", "llm_response", "embedding_request", "embedding_response", "tool_call_request", "tool_call_response", "tool_result", "error"],
            )


if __name__ == "__main__":
    unittest.main()
