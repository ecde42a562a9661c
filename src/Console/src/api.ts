/** The doors. Whoever is signed in is in a cookie that no script can read; every answer here is one that anybody with the key gets. */

export class Refused extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message)
  }
}

type Options = { body?: unknown; method?: string; fresh?: boolean; signal?: AbortSignal; headers?: Record<string, string> }

/** How answers of each dialect say what is wrong. */
function refusalOf(status: number, body: unknown): Refused {
  const b = body as { error?: { code?: string; message?: string; type?: string } | string; message?: string; detail?: unknown } | null
  const inner = b && typeof b.error === 'object' ? b.error : undefined
  const message = inner?.message ?? b?.message ?? (typeof b?.error === 'string' ? b.error : undefined) ?? (typeof b?.detail === 'string' ? b.detail : undefined)
  return new Refused(status, inner?.code ?? inner?.type ?? String(status), message ?? `The server answered ${status}.`)
}

async function send(path: string, { body, method, fresh, signal, headers }: Options): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      credentials: 'same-origin',
      headers: {
        Accept: 'application/json',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(fresh ? { 'Cache-Control': 'no-cache' } : {}),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    })
  } catch (e) {
    if (signal?.aborted) throw e
    throw new Refused(0, 'UNREACHABLE', 'The server cannot be reached.')
  }
  if (response.ok) return response
  throw refusalOf(response.status, await response.json().catch(() => null))
}

export async function ask<T>(path: string, options: Options = {}): Promise<T> {
  const response = await send(path, options)
  return (response.status === 204 ? undefined : await response.json()) as T
}

export async function askText(path: string): Promise<string> {
  return (await send(path, {})).text()
}

/** A path with its query; what is undefined or empty is left out. */
export function at(path: string, query: Record<string, string | number | undefined | null>): string {
  const given = Object.entries(query).filter(([, v]) => v !== undefined && v !== null && v !== '')
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}`
}

export type Session = { project_id: string; key_id: string; role: string; scopes: string[]; environment: string; version: string; doors: string[] }

export type Page<T> = { data: T[]; pagination: { cursor?: string | null; has_more: boolean; limit: number } }

/** A whole trace in one row, and a span by the same names. Durations ms, money USD; what is unknown is absent. */
export type Row = {
  ts: string
  trace_id: string
  span_id?: string
  status?: string
  status_code: string
  started_at?: string
  ended_at?: string
  duration_ms?: number
  ttft_ms?: number
  user_id?: string
  session_id?: string
  environment?: string
  agent?: string
  service_name?: string
  span_name?: string
  provider?: string
  model?: string
  first_prompt?: string
  input_text?: string
  output_text?: string
  error_message?: string
  span_count?: number
  error_count?: number
  event_count?: number
  prompt_tokens?: number
  completion_tokens?: number
  total_tokens?: number
  total_cost_usd?: number
  unpriced_calls?: number
  attributes?: Record<string, unknown>
}

export type Tokens = { input: number | null; cache_read: number | null; cache_write: number | null; output: number | null; reasoning: number | null; total: number | null }
export type Cost = { input_usd: number | null; cache_read_usd: number | null; cache_write_usd: number | null; output_usd: number | null; total_usd: number | null }
export type Note = { event_id: string; type: string; at: string; revision: number; data?: unknown }

export type Span = {
  span_id: string
  parent_span_id: string | null
  orphan?: 'cycle' | 'parent_unknown'
  kind: string
  name: string | null
  started_at: string | null
  ended_at: string | null
  duration_ms: number | null
  ttft_ms: number | null
  status: string
  error: string | null
  provider: string | null
  model: string | null
  usage: Tokens | null
  cost_usd: number | null
  cost: Cost
  user_id: string | null
  session_id: string | null
  environment: string | null
  agent: string | null
  step?: number
  input: unknown
  output: unknown
  attributes: Record<string, unknown>
  sanitised?: boolean
  events: Note[]
  children: Span[]
}

export type Tree = {
  trace_id: string
  status: string
  started_at: string | null
  ended_at: string | null
  duration_ms: number | null
  user_id: string | null
  session_id: string | null
  environment: string | null
  agent: string | null
  model: string | null
  revision: number
  event_count: number
  span_count: number
  error_count: number
  totals: { tokens: Tokens; cost: Cost; unpriced_calls: number }
  scores: Note[]
  spans: Span[]
}

export type Fact = {
  revision: number
  position: number
  event_id: string
  type: string
  at: string
  recorded_at: string
  late: boolean
  span_id: string | null
  dialect: string
  data: unknown
}

export type Timeline = { items: Fact[]; next_revision: number; has_more: boolean }
