// One trace through the exporters of OpenTelemetry's JavaScript SDK. Takes grpc, protobuf or json, an address and a key; says the id of the trace.
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OTLPTraceExporter as Grpc } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as Json } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as Protobuf } from '@opentelemetry/exporter-trace-otlp-proto';

const [protocol, address, key] = process.argv.slice(2);
process.env.OTEL_EXPORTER_OTLP_HEADERS = `authorization=Bearer%20${key}`;
const exporter = protocol === 'grpc' ? new Grpc({ url: address }) : new (protocol === 'json' ? Json : Protobuf)({ url: `${address}v1/traces`, compression: 'gzip' });
const provider = new BasicTracerProvider({ resource: resourceFromAttributes({ 'service.name': `shop-js-${protocol}` }), spanProcessors: [new BatchSpanProcessor(exporter)] });
const tracer = provider.getTracer('shop');

const at = Date.now() - 100;
const agent = tracer.startSpan('invoke_agent planner', { startTime: at, attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'planner', 'gen_ai.usage.input_tokens': 1200 } }, ROOT_CONTEXT);
const within = trace.setSpan(ROOT_CONTEXT, agent);
const call = tracer.startSpan('chat gpt-4o', {
  kind: SpanKind.CLIENT,
  startTime: at + 10,
  attributes: {
    'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.response.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 1200, 'gen_ai.usage.output_tokens': 80,
    'gen_ai.usage.cache_read.input_tokens': 1000, 'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"Where is it?"}]}]',
    'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"On its way."}]}]',
  },
}, within);
call.end(at + 50);
const tool = tracer.startSpan('execute_tool lookup', { startTime: at + 60, attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'lookup' } }, within);
tool.setStatus({ code: SpanStatusCode.ERROR, message: 'no such order' });
tool.end(at + 70);
agent.end(at + 80);
await provider.forceFlush();
await provider.shutdown();
console.log(agent.spanContext().traceId);
