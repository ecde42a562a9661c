import { ask, at } from '../api'
import { nowOf } from '../ui/as-of'

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

export async function overviewOf(window: Window, asOf: string | undefined): Promise<Overview> {
  const { window: longer, bucket, width } = asked[window]
  const { buckets } = await ask<{ buckets: Bucket[] }>(at('/v1/analytics/overview', { window: longer, bucket, as_of: asOf }))
  const to = nowOf(asOf) / 1000
  const from = to - lengths[window]
  const second = (b: Bucket) => Date.parse(b.timestamp) / 1000
  return {
    now: buckets.filter((b) => second(b) + width > from),
    before: longer === window ? null : buckets.filter((b) => second(b) + width <= from && second(b) + width > from - lengths[window]),
    width, from, to,
  }
}

export type Cell = { name: string; requests: number; unpriced: number; tokens: number; cost: number | null }

const iso = (seconds: number) => new Date(seconds * 1000).toISOString()

/** What requests add up to by model, provider, environment or user; the dearest first. */
export async function by(dimension: string, from: number, to: number, asOf: string | undefined): Promise<Cell[]> {
  if (dimension === 'user') {
    type User = { dimension_value: string; request_count: number; total_tokens: number | null; total_cost: number | null }
    const { items } = await ask<{ items: User[] }>(at('/api/v1/costs/attribution', { dimension, start_time: iso(from), end_time: iso(to), limit: 1_000, as_of: asOf }))
    return items.map((i) => ({ name: i.dimension_value || 'unknown', requests: i.request_count, unpriced: 0, tokens: i.total_tokens ?? 0, cost: i.total_cost }))
  }
  type Item = { requests: number; unpriced: number; tokens: { total?: number }; cost: { total_usd?: number } } & Record<string, unknown>
  const { items } = await ask<{ items: Item[] }>(at('/api/v1/costs', { group_by: dimension, from: iso(from), to: iso(to), as_of: asOf }))
  return items.map((i) => ({ name: String(i[dimension] ?? 'unknown'), requests: i.requests, unpriced: i.unpriced, tokens: i.tokens.total ?? 0, cost: i.cost.total_usd ?? null })).sort((a, b) => (b.cost ?? 0) - (a.cost ?? 0))
}

/** Times to the first token, ms, by bucket: the middle and the 95th of a hundred. */
export async function firstTokens(from: number, to: number, times: number[], width: number, asOf: string | undefined): Promise<{ p50: (number | null)[]; p95: (number | null)[] }> {
  const interval = width === 60 ? '1min' : width === 3_600 ? '1hour' : '1day'
  async function rank(aggregation: 'p50' | 'p95') {
    type Point = { timestamp: string } & Record<string, number | null>
    const { data } = await ask<{ data: Point[] }>(at('/api/v1/metrics', { metrics: 'time_to_first_token', aggregation, interval, start_time: iso(from), end_time: iso(to), as_of: asOf }))
    const found = new Map(data.map((point) => [Date.parse(point.timestamp) / 1000, point[`${aggregation}_ttft_ms`]]))
    return times.map((t) => found.get(t) ?? null)
  }
  const [p50, p95] = await Promise.all([rank('p50'), rank('p95')])
  return { p50, p95 }
}

export type Reads = { total: number | null; shares: Map<number, number> }

/** Which share of input tokens came from the provider's cache, by hour or day (keyed by seconds), and over all. */
export async function cacheReads(from: number, to: number, width: number, asOf: string | undefined): Promise<Reads> {
  type Item = { at?: string; tokens: { input?: number; cache_read?: number; cache_write?: number } }
  const { items } = await ask<{ items: Item[] }>(at('/api/v1/costs', { group_by: width >= 86_400 ? 'day' : 'hour', from: iso(from), to: iso(to), as_of: asOf }))
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
