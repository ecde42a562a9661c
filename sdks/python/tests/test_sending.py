"""What happens when sending does not go well, and the spans."""

from __future__ import annotations

import asyncio
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from test_page import KEY, URL, facts, tree

from hindcast import Hindcast


class Scripted(HTTPServer):
    """Answers with the statuses it was given, one after another, and keeps what it was sent."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses, self.seen = list(statuses), list[Any]()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.statuses.pop(0))
        self.send_header("Retry-After", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Sending(unittest.TestCase):
    def scripted(self, *statuses: int) -> Scripted:
        server = Scripted(*statuses)
        self.addCleanup(lambda: (server.shutdown(), server.server_close()))
        return server

    def test_a_repeat_has_the_same_id(self) -> None:
        server = self.scripted(503, 429, 202)
        sdk = Hindcast("key", "a", base_url=server.url)
        sdk.trace("t").user_message_sync([{"role": "user", "content": "Hi"}])
        self.assertEqual(sdk.lost, 0)
        self.assertEqual(len(server.seen), 3)
        self.assertTrue(all(sent == server.seen[0] for sent in server.seen))
        path, key, event = server.seen[0]
        self.assertEqual((path, key), ("/api/events/ingest", "Bearer key"))
        self.assertEqual(set(event), {"eventType", "traceId", "agentName", "content", "timestamp", "idempotencyKey"})

    def test_what_is_refused_is_not_repeated_and_never_raises(self) -> None:
        server = self.scripted(400, 501, 202)
        lost: list[str] = []
        trace = Hindcast("key", "a", base_url=server.url, on_lost=lost.append).trace("t")
        trace.error_sync("one")
        trace.error_sync("two")
        trace.tool_result_sync("x", object())
        trace.tool_result_sync("x", float("nan"))
        self.assertEqual((len(server.seen), len(lost)), (2, 4))
        Hindcast("key", "a", base_url="no url").trace("t").error_sync("three")

    def test_an_agent_is_registered_once_before_its_first_event(self) -> None:
        server = self.scripted(201, 202, 202)
        trace = Hindcast("key", "a", {"systemPrompt": "Be brief."}, base_url=server.url).trace("t")
        trace.error_sync("one")
        trace.error_sync("two")
        self.assertEqual([path for path, _, _ in server.seen], ["/api/entities/init", "/api/events/ingest", "/api/events/ingest"])
        self.assertEqual(server.seen[0][2], {"agentName": "a", "metadata": {"tools": [], "systemPrompt": "Be brief."}})

    def test_the_same_key_twice_is_one_event(self) -> None:
        trace = Hindcast(KEY, "a", base_url=URL).trace("py-twice")
        for _ in range(2):
            trace.user_message_sync([{"role": "user", "content": "Hi"}], idempotency_key="one")
        self.assertEqual(len(facts("py-twice")), 1)

    def test_work_is_a_span_with_what_is_within_under_it(self) -> None:
        trace = Hindcast(KEY, "a", base_url=URL).trace("py-jobs")

        async def run() -> None:
            async with trace.span("checkout", {"order": 7}) as job:
                with self.assertRaises(ValueError), job.span("charge_card"):
                    raise ValueError("declined")
                job.output = {"state": "waiting"}

        asyncio.run(run())
        root = tree("py-jobs", 2)["spans"][0]
        self.assertEqual((root["name"], root["status"], root["output"]), ("checkout", "success", {"state": "waiting"}))
        child = root["children"][0]
        self.assertEqual((child["name"], child["status"], child["error"]), ("charge_card", "error", "declined"))


if __name__ == "__main__":
    unittest.main()
