import type { ReactNode } from 'react'
import type { Row } from '../api'
import { compact, count, duration, line, usd } from '../format'
import { At, Status } from '../ui/bits'
import { Marked } from './marked'

/** A column of the list: how wide, how it is drawn, and by which field the server sorts it. */
export type Column = { id: string; name: string; width: number; grow?: boolean; number?: boolean; sort?: string; only?: 'traces' | 'spans'; draw: (row: Row, words: string[]) => ReactNode }

export const titleOf = (row: Row) => row.first_prompt ?? row.span_name ?? row.input_text ?? row.trace_id
export const keyOf = (row: Row) => (row.span_id ? `${row.trace_id}\n${row.span_id}` : row.trace_id)
export const statusOf = (row: Row) => row.status ?? row.status_code

export const columns: Column[] = [
  { id: 'started', name: 'Started', width: 138, sort: 'ts', draw: (r) => <At iso={r.ts} /> },
  { id: 'status', name: 'Status', width: 92, draw: (r) => <Status of={statusOf(r)} /> },
  { id: 'prompt', name: 'First prompt', width: 260, grow: true, only: 'traces', draw: (r, w) => <Marked text={line(r.first_prompt ?? r.trace_id)} words={w} /> },
  { id: 'span', name: 'Span', width: 150, only: 'spans', draw: (r) => line(r.span_name ?? r.span_id ?? '') },
  { id: 'input', name: 'Input', width: 240, grow: true, only: 'spans', draw: (r, w) => <Marked text={line(r.input_text ?? r.error_message ?? '')} words={w} /> },
  { id: 'output', name: 'Output', width: 240, grow: true, only: 'spans', draw: (r, w) => <Marked text={line(r.output_text ?? '')} words={w} /> },
  { id: 'agent', name: 'Agent', width: 130, draw: (r) => line(r.agent ?? r.service_name ?? '–') },
  { id: 'model', name: 'Model', width: 160, sort: 'model', draw: (r) => line(r.model ?? '–') },
  { id: 'provider', name: 'Provider', width: 110, sort: 'provider', draw: (r) => line(r.provider ?? '–') },
  { id: 'duration', name: 'Duration', width: 92, number: true, sort: 'duration_ms', draw: (r) => duration(r.duration_ms) },
  { id: 'ttft', name: 'First token', width: 92, number: true, sort: 'ttft_ms', only: 'spans', draw: (r) => duration(r.ttft_ms) },
  { id: 'tokens', name: 'Tokens', width: 84, number: true, sort: 'total_tokens', draw: (r) => compact(r.total_tokens) },
  { id: 'cost', name: 'Cost', width: 112, number: true, sort: 'total_cost_usd', draw: (r) => usd(r.total_cost_usd) },
  { id: 'spans', name: 'Spans', width: 70, number: true, sort: 'span_count', only: 'traces', draw: (r) => count(r.span_count) },
  { id: 'errors', name: 'Errors', width: 74, number: true, sort: 'error_count', only: 'traces', draw: (r) => count(r.error_count) },
  { id: 'user', name: 'User', width: 140, draw: (r) => line(r.user_id ?? '–') },
  { id: 'session', name: 'Session', width: 120, draw: (r) => line(r.session_id ?? '–') },
  { id: 'environment', name: 'Environment', width: 120, sort: 'environment', draw: (r) => line(r.environment ?? '–') },
  { id: 'trace', name: 'Trace', width: 170, sort: 'trace_id', draw: (r) => <span className="font-mono text-xs">{line(r.trace_id)}</span> },
]

export const usual = {
  traces: 'started,status,prompt,model,duration,tokens,cost,user',
  runs: 'started,status,agent,prompt,duration,spans,errors,tokens,cost',
  spans: 'started,status,span,input,output,model,duration,ttft,cost',
}
