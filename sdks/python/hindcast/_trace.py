"""What an application does in one trace."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence, TypedDict, Union

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._client import Hindcast

Json = Mapping[str, Any]


class SpanOptions(TypedDict, total=False):
    """What any event of a span may say besides its own. A datetime without a zone is UTC."""

    parent_span_id: Optional[str]
    step_id: Optional[int]
    parent_step_id: Optional[int]
    timestamp: Union[datetime, str, None]
    idempotency_key: Optional[str]
    external_user_id: Optional[str]


class EventOptions(SpanOptions, total=False):
    """What any event may say besides its own."""

    span_id: Optional[str]


class Trace:
    """Writes the events of one trace; made by ``sdk.trace(id)``."""

    def __init__(self, sdk: Hindcast, trace_id: str) -> None:
        self._sdk = sdk
        self.trace_id = trace_id

    # Messages and models

    def user_message_sync(self, messages: Sequence[Json], *, metadata: Json | None = None, **options: Unpack[EventOptions]) -> None:
        """Logs messages as they were put together for a model, by a user or the system."""
        self._send("user_message", {"messages": messages}, metadata, options)

    async def user_message(self, messages: Sequence[Json], *, metadata: Json | None = None, **options: Unpack[EventOptions]) -> None:
        await asyncio.to_thread(self.user_message_sync, messages, metadata=metadata, **options)

    def llm_response_sync(
        self,
        model: str,
        provider: str,
        content: Any = None,
        *,
        tool_calls: Sequence[Json] | None = None,
        finish_reason: str | None = None,
        usage: Json | None = None,
        latency_ms: float | None = None,
        **options: Unpack[EventOptions],
    ) -> None:
        """Logs what a model answered, why it stopped, its tokens (``promptTokens``, ``cacheReadTokens`` ...) and how long it took."""
        said = _given(content=content, toolCalls=tool_calls, finishReason=finish_reason)
        self._send("llm_response", said, _given(model=model, provider=provider, usage=usage or None, latencyMs=latency_ms), options)

    async def llm_response(
        self,
        model: str,
        provider: str,
        content: Any = None,
        *,
        tool_calls: Sequence[Json] | None = None,
        finish_reason: str | None = None,
        usage: Json | None = None,
        latency_ms: float | None = None,
        **options: Unpack[EventOptions],
    ) -> None:
        await asyncio.to_thread(
            self.llm_response_sync, model, provider, content, tool_calls=tool_calls, finish_reason=finish_reason, usage=usage, latency_ms=latency_ms, **options
        )

    def llm_thinking_sync(self, thinking: str, *, signature: str | None = None, **options: Unpack[EventOptions]) -> None:
        """Logs what a model thought aloud."""
        self._send("llm_thinking", _given(type="thinking", thinking=thinking, signature=signature), None, options)

    async def llm_thinking(self, thinking: str, *, signature: str | None = None, **options: Unpack[EventOptions]) -> None:
        await asyncio.to_thread(self.llm_thinking_sync, thinking, signature=signature, **options)

    def embedding_request_sync(self, inputs: Sequence[str], **options: Unpack[EventOptions]) -> None:
        """Logs the texts that are to be embedded."""
        self._send("embedding_request", {"input": inputs}, None, options)

    async def embedding_request(self, inputs: Sequence[str], **options: Unpack[EventOptions]) -> None:
        await asyncio.to_thread(self.embedding_request_sync, inputs, **options)

    def embedding_response_sync(
        self,
        model: str,
        provider: str,
        embedding_count: int,
        first_embedding_dimensions: int,
        *,
        total_tokens: int | None = None,
        latency_ms: float | None = None,
        **options: Unpack[EventOptions],
    ) -> None:
        """Logs how many embeddings came back, and of what size."""
        content = {"object": "list", "embeddingCount": embedding_count, "firstEmbeddingDimensions": first_embedding_dimensions, "encodingFormat": "float"}
        usage = None if total_tokens is None else {"totalTokens": total_tokens}
        self._send("embedding_response", content, _given(model=model, provider=provider, usage=usage, latencyMs=latency_ms), options)

    async def embedding_response(
        self,
        model: str,
        provider: str,
        embedding_count: int,
        first_embedding_dimensions: int,
        *,
        total_tokens: int | None = None,
        latency_ms: float | None = None,
        **options: Unpack[EventOptions],
    ) -> None:
        await asyncio.to_thread(
            self.embedding_response_sync, model, provider, embedding_count, first_embedding_dimensions, total_tokens=total_tokens, latency_ms=latency_ms, **options
        )

    # Tools

    def tool_call_request_sync(
        self, tool: str, tool_calls: Sequence[Json], *, latency_ms: float | None = None, requested_at: str | None = None, **options: Unpack[EventOptions]
    ) -> str:
        """Opens the span of a tool's call, and returns its id for the response."""
        span_id = options.pop("span_id", None) or str(uuid.uuid4())
        self._send("tool_call_request", _given(toolCalls=tool_calls, requestedAt=requested_at), _given(tool=tool, latencyMs=latency_ms), {**options, "span_id": span_id})
        return span_id

    async def tool_call_request(
        self, tool: str, tool_calls: Sequence[Json], *, latency_ms: float | None = None, requested_at: str | None = None, **options: Unpack[EventOptions]
    ) -> str:
        return await asyncio.to_thread(self.tool_call_request_sync, tool, tool_calls, latency_ms=latency_ms, requested_at=requested_at, **options)

    def tool_call_response_sync(
        self,
        tool: str,
        span_id: str,
        tool_calls: Sequence[Json],
        tool_results: Any,
        *,
        latency_ms: float | None = None,
        responded_at: str | None = None,
        **options: Unpack[SpanOptions],
    ) -> None:
        """Closes the span of a tool's call."""
        content = {"toolCalls": tool_calls, "toolResults": tool_results, **_given(respondedAt=responded_at)}
        self._send("tool_call_response", content, _given(tool=tool, latencyMs=latency_ms), {**options, "span_id": span_id})

    async def tool_call_response(
        self,
        tool: str,
        span_id: str,
        tool_calls: Sequence[Json],
        tool_results: Any,
        *,
        latency_ms: float | None = None,
        responded_at: str | None = None,
        **options: Unpack[SpanOptions],
    ) -> None:
        await asyncio.to_thread(self.tool_call_response_sync, tool, span_id, tool_calls, tool_results, latency_ms=latency_ms, responded_at=responded_at, **options)

    def tool_result_sync(self, tool_name: str, output: Any, **options: Unpack[EventOptions]) -> None:
        """Logs a tool's output as it was given back to the model."""
        self._send("tool_result", {"toolName": tool_name, "output": output}, None, options)

    async def tool_result(self, tool_name: str, output: Any, **options: Unpack[EventOptions]) -> None:
        await asyncio.to_thread(self.tool_result_sync, tool_name, output, **options)

    # Failures and work of any kind

    def error_sync(self, message: str, *, status: int | None = None, stack: str | None = None, **options: Unpack[EventOptions]) -> None:
        """Logs what failed, in the application or at a provider."""
        self._send("error", _given(message=message, status=status, stack=stack), None, options)

    async def error(self, message: str, *, status: int | None = None, stack: str | None = None, **options: Unpack[EventOptions]) -> None:
        await asyncio.to_thread(self.error_sync, message, status=status, stack=stack, **options)

    def span(self, name: str, input: Any = None) -> Span:
        """A span for a piece of work: ``with trace.span("charge_card", order) as span: span.output = charge(order)``."""
        return Span(self, name, input, None)

    def _send(self, event_type: str, content: Json, metadata: Json | None, options: Mapping[str, Any]) -> None:
        moment = options.get("timestamp") or datetime.now(timezone.utc)
        self._sdk._send(
            _given(
                eventType=event_type,
                traceId=self.trace_id,
                content=content,
                metadata=metadata,
                spanId=options.get("span_id"),
                parentSpanId=options.get("parent_span_id"),
                stepId=options.get("step_id"),
                parentStepId=options.get("parent_step_id"),
                timestamp=moment if isinstance(moment, str) else _iso(moment),
                idempotencyKey=options.get("idempotency_key") or str(uuid.uuid4()),
                externalUserId=options.get("external_user_id"),
            )
        )


class Span:
    """A piece of work that takes time; it fails when an exception leaves it, and spans within hang under it."""

    def __init__(self, trace: Trace, name: str, input: Any, parent: str | None) -> None:
        self._trace, self._name, self._parent = trace, name, parent
        self._call = [{"name": name, "arguments": input}]
        self._started = 0.0
        self.id = str(uuid.uuid4())
        self.output: Any = None

    def span(self, name: str, input: Any = None) -> Span:
        """A span within this one."""
        return Span(self._trace, name, input, self.id)

    def __enter__(self) -> Span:
        self._started = time.perf_counter()
        self._trace.tool_call_request_sync(self._name, self._call, span_id=self.id, parent_span_id=self._parent)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        took = round((time.perf_counter() - self._started) * 1000, 3)
        if error is not None:
            self._trace.error_sync(str(error) or type(error).__name__, span_id=self.id)
        self._trace.tool_call_response_sync(self._name, self.id, self._call, self.output, latency_ms=took)

    async def __aenter__(self) -> Span:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, traceback)


def _given(**members: Any) -> dict[str, Any]:
    """Without what was not given."""
    return {name: value for name, value in members.items() if value is not None}


def _iso(moment: datetime) -> str:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
