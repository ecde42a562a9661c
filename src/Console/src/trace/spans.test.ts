import { expect, test } from 'vitest'
import type { Span, Tree } from '../api'
import { bounds, changes, every, place, ticks } from './spans'

const span = (id: string, from: number, to: number | null, children: Span[] = [], more: Partial<Span> = {}) =>
  ({ span_id: id, started_at: new Date(from).toISOString(), ended_at: to === null ? null : new Date(to).toISOString(), status: to === null ? 'running' : 'success', events: [], children, ...more }) as unknown as Span
const tree = (spans: Span[]) => ({ started_at: null, ended_at: null, spans }) as unknown as Tree

test('a trace as deep as it is long is walked without a stack', () => {
  let deep = span('0', 0, 1)
  for (let i = 1; i < 20_000; i++) deep = span(String(i), 0, 1, [deep])
  expect([...every([deep])].at(-1)?.depth).toBe(19_999)
  expect(place(tree([deep]), new Set()).length).toBe(20_000)
})

test('what runs reaches to the end, and what lies in a shut span is not shown', () => {
  const t = tree([span('a', 1000, null, [span('b', 1000, 1500, [span('c', 1250, 2000)])]), span('d', 1500, 2000)])
  expect(bounds(t)).toEqual({ start: 1000, end: 2000 })
  expect(place(t, new Set()).map((r) => [r.span.span_id, r.depth, r.from, r.to])).toEqual([['a', 0, 0, 1], ['b', 1, 0, 0.5], ['c', 2, 0.25, 1], ['d', 0, 0.5, 1]])
  expect(place(t, new Set(['b'])).map((r) => r.span.span_id)).toEqual(['a', 'b', 'd'])
})

test('changes name what is new and which members differ', () => {
  const before = tree([span('a', 0, null)])
  const after = tree([span('a', 0, 10, [span('b', 5, null)], { output: { text: 'x' } })])
  expect([...changes(before, after)]).toEqual([['a', { what: 'changed', members: ['status', 'ended_at', 'output'] }], ['b', { what: 'added', members: [] }]])
  expect(changes(after, after).size).toBe(0)
})

test('an axis has round marks', () => {
  expect(ticks(1000, 5)).toEqual([0, 200, 400, 600, 800, 1000])
  expect(ticks(7300, 5)).toEqual([0, 2000, 4000, 6000])
})
