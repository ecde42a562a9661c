import { ask, at, type Page, type Row } from '../api'

/** A bucket of TROPS' overview. Latencies ms, money cents. */
export type Bucket = {
  timestamp: string; request_count: number; error_count: number; error_rate: number; avg_latency_ms: number; p50_latency_ms: number; p90_latency_ms: number; p95_latency_ms: number; p99_latency_ms: number
  total_cost_cents: number; unpriced_count: number; prompt_tokens: number; completion_tokens: number; cache_hit_rate: number
}

export type Window = '1h' | '24h' | '7d' | '30d'

export const lengths: Record<Window, number> = { '1h': 3_600, '24h': 86_400, '7d': 604_800, '30d': 2_592_000 }

/** The next longer window holds the period before as well; the longest has no longer one. */
const asked: Record<Window, { window: Window; bucket: string; width: number }> = {
  '1h': { window: '24h', bucket: 'minute', width: 60 }, '24h': { window: '7d', bucket: 'hour', width: 3_600 },
  '7d': { window: '30d', bucket: 'hour', width: 3_600 }, '30d': { window: '30d', bucket: 'day', width: 86_400 },
}

export type Totals = { requests: number; errors: number; latency: number | null; tokens: number; cost: number; unpriced: number; hits: number | null }

export function totalsOf(buckets: Bucket[]): Totals {
  const sum = (f: (b: Bucket) => number) => buckets.reduce((n, b) => n + f(b), 0)
  const done = sum((b) => b.request_count - b.error_count)
  const prompt = sum((b) => b.prompt_tokens)
  return {
    requests: sum((b) => b.request_count), errors: sum((b) => b.error_count),
    latency: done > 0 ? sum((b) => b.avg_latency_ms * (b.request_count - b.error_count)) / done : null,
    tokens: prompt + sum((b) => b.completion_tokens), cost: sum((b) => b.total_cost_cents) / 100, unpriced: sum((b) => b.unpriced_count),
    hits: sum((b) => b.request_count) > 0 ? sum((b) => b.cache_hit_rate * b.request_count) / sum((b) => b.request_count) : null,
  }
}

export type Overview = { now: Bucket[]; before: Bucket[] | null; width: number; from: number; to: number }

export async function overviewOf(window: Window): Promise<Overview> {
  const { window: longer, bucket, width } = asked[window]
  const { buckets } = await ask<{ buckets: Bucket[] }>(at('/v1/analytics/overview', { window: longer, bucket }))
  const to = Date.now() / 1000
  const from = to - lengths[window]
  const second = (b: Bucket) => Date.parse(b.timestamp) / 1000
  return {
    now: buckets.filter((b) => second(b) + width > from),
    before: longer === window ? null : buckets.filter((b) => second(b) + width <= from && second(b) + width > from - lengths[window]),
    width, from, to,
  }
}

export type Cell = { name: string; requests: number; unpriced: number; tokens: number; cost: number | null; errors?: number }

/** What requests add up to by model, provider or environment; by user, of the newest 1,000 traces. */
export async function by(dimension: string, from: number, to: number): Promise<Cell[]> {
  const [start, end] = [new Date(from * 1000).toISOString(), new Date(to * 1000).toISOString()]
  if (dimension !== 'user') {
    type Item = { requests: number; unpriced: number; tokens: { total?: number }; cost: { total_usd?: number } } & Record<string, unknown>
    const { items } = await ask<{ items: Item[] }>(at('/api/v1/costs', { group_by: dimension, from: start, to: end }))
    return items.map((i) => ({ name: String(i[dimension] ?? 'unknown'), requests: i.requests, unpriced: i.unpriced, tokens: i.tokens.total ?? 0, cost: i.cost.total_usd ?? null })).sort((a, b) => (b.cost ?? 0) - (a.cost ?? 0))
  }
  const { data } = await ask<Page<Row>>('/api/v1/runs/search', { body: { filter: { operator: 'AND', filters: [{ field: 'ts', operator: 'gte', value: start }, { field: 'ts', operator: 'lt', value: end }] }, sort_by: 'ts', sort_desc: true, limit: 1_000 } })
  const users = new Map<string, Cell>()
  for (const r of data) {
    const name = r.user_id ?? 'unknown'
    const cell = users.get(name) ?? { name, requests: 0, unpriced: 0, tokens: 0, cost: null, errors: 0 }
    users.set(name, { ...cell, requests: cell.requests + 1, unpriced: cell.unpriced + (r.unpriced_calls ?? 0), tokens: cell.tokens + (r.total_tokens ?? 0), cost: r.total_cost_usd == null ? cell.cost : (cell.cost ?? 0) + r.total_cost_usd, errors: (cell.errors ?? 0) + (r.status === 'error' ? 1 : 0) })
  }
  return [...users.values()].sort((a, b) => (b.cost ?? 0) - (a.cost ?? 0))
}

/** Times to the first token of the newest 1,000 calls that have one, by bucket: the middle and the 95th of a hundred. */
export async function firstTokens(from: number, to: number, times: number[], width: number): Promise<{ p50: (number | null)[]; p95: (number | null)[]; cut: boolean }> {
  const { data, pagination } = await ask<Page<Row>>('/api/v1/traces/search', {
    body: {
      filter: { operator: 'AND', filters: [{ field: 'ttft_ms', operator: 'gte', value: 0 }, { field: 'ts', operator: 'gte', value: new Date(from * 1000).toISOString() }, { field: 'ts', operator: 'lt', value: new Date(to * 1000).toISOString() }] },
      sort_by: 'ts', sort_desc: true, limit: 1_000, fields: ['ts', 'ttft_ms'],
    },
  })
  const found = new Map<number, number[]>()
  for (const { ts, ttft_ms } of data) {
    const second = Date.parse(ts) / 1000
    const bucket = times.findLast((t) => t <= second)
    if (bucket !== undefined && second < bucket + width && ttft_ms !== undefined) found.set(bucket, [...(found.get(bucket) ?? []), ttft_ms])
  }
  const rank = (p: number) => times.map((t) => nearestRank(found.get(t) ?? [], p))
  return { p50: rank(50), p95: rank(95), cut: pagination.has_more }
}

export function nearestRank(values: number[], p: number): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)]!
}

export type Reads = { total: number | null; shares: Map<number, number> }

/** Which share of input tokens came from the provider's cache, by hour or day (keyed by seconds), and over all. */
export async function cacheReads(from: number, to: number, width: number): Promise<Reads> {
  type Item = { at?: string; tokens: { input?: number; cache_read?: number; cache_write?: number } }
  const { items } = await ask<{ items: Item[] }>(at('/api/v1/costs', { group_by: width >= 86_400 ? 'day' : 'hour', from: new Date(from * 1000).toISOString(), to: new Date(to * 1000).toISOString() }))
  const shares = new Map<number, number>()
  let [reads, all] = [0, 0]
  for (const { at: when, tokens } of items) {
    const [read, whole] = [tokens.cache_read ?? 0, (tokens.input ?? 0) + (tokens.cache_read ?? 0) + (tokens.cache_write ?? 0)]
    reads += read
    all += whole
    if (when && whole > 0) shares.set(Date.parse(when) / 1000, read / whole)
  }
  return { total: all > 0 ? reads / all : null, shares }
}
