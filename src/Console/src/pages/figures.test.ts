import { expect, test } from 'vitest'
import { type Bucket, totalsOf } from './figures'
import { funnel } from './funnel'

test('a funnel counts who took the steps in their order', () => {
  const seen = [['a', 'see', 1], ['a', 'buy', 3], ['b', 'buy', 1], ['b', 'see', 2], ['c', 'see', 1], ['c', 'see', 2]].map(([user, name, at]) => ({ user, name, at }) as { user: string; name: string; at: number })
  expect(funnel(seen, ['see', 'buy'])).toEqual([3, 1])
})

test('totals weigh each bucket by what is in it, and are unknown where nothing is', () => {
  const bucket = (more: Partial<Bucket>) => ({ timestamp: '', request_count: 0, error_count: 0, avg_latency_ms: 0, total_cost_cents: 0, unpriced_count: 0, prompt_tokens: 0, completion_tokens: 0, cache_hit_rate: 0, ...more }) as Bucket
  expect(totalsOf([bucket({ request_count: 3, error_count: 1, avg_latency_ms: 100, prompt_tokens: 100, cache_hit_rate: 0.5, total_cost_cents: 12 }), bucket({ request_count: 1, avg_latency_ms: 400, prompt_tokens: 300, cache_hit_rate: 0.1 })]))
    .toEqual({ requests: 4, errors: 1, latency: 200, tokens: 400, cost: 0.12, unpriced: 0, hits: 0.4 })
  expect(totalsOf([bucket({})])).toMatchObject({ latency: null, hits: null })
})
