import type { Span, Tree } from '../api'

/** A span with its place in the drawing. */
export type Placed = { span: Span; depth: number; from: number; to: number; open: boolean }

/** All spans, parents first, without recursion: traces may be nested deeper than a stack. */
export function* every(roots: Span[]): Generator<{ span: Span; depth: number }> {
  const waiting: { span: Span; depth: number }[] = roots.map((span) => ({ span, depth: 0 })).reverse()
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    yield next
    for (let i = next.span.children.length - 1; i >= 0; i--) waiting.push({ span: next.span.children[i]!, depth: next.depth + 1 })
  }
}

const ms = (iso: string | null) => (iso ? Date.parse(iso) : Number.NaN)

/** When the trace begins and ends, in ms since 1970; a span that runs reaches to the end. */
export function bounds(tree: Tree): { start: number; end: number } {
  let [start, end] = [ms(tree.started_at), ms(tree.ended_at)]
  for (const { span } of every(tree.spans)) {
    const [from, to] = [ms(span.started_at), ms(span.ended_at)]
    if (!(from >= start)) start = Number.isNaN(from) ? start : from
    for (const t of [from, to]) if (!(t <= end)) end = Number.isNaN(t) ? end : t
  }
  return { start: Number.isNaN(start) ? 0 : start, end: Math.max(Number.isNaN(end) ? 0 : end, (Number.isNaN(start) ? 0 : start) + 1) }
}

/** The rows that show: everything but what lies in a span that is shut. */
export function place(tree: Tree, shut: ReadonlySet<string>): Placed[] {
  const { start, end } = bounds(tree)
  const rows: Placed[] = []
  const hiddenBelow: number[] = []
  for (const { span, depth } of every(tree.spans)) {
    while (hiddenBelow.length && depth <= hiddenBelow.at(-1)!) hiddenBelow.pop()
    if (hiddenBelow.length) continue
    const from = ms(span.started_at)
    const to = span.ended_at ? ms(span.ended_at) : span.status === 'running' ? end : from
    const share = (t: number) => (Number.isNaN(t) ? 0 : Math.min(1, Math.max(0, (t - start) / (end - start))))
    const open = !shut.has(span.span_id)
    rows.push({ span, depth, from: share(from), to: share(to), open })
    if (!open) hiddenBelow.push(depth)
  }
  return rows
}

const told = ['status', 'name', 'kind', 'started_at', 'ended_at', 'duration_ms', 'model', 'provider', 'error', 'cost_usd', 'parent_span_id', 'user_id', 'session_id', 'agent'] as const
const deep = ['input', 'output', 'attributes', 'usage'] as const

export type Change = { what: 'added' | 'changed'; members: string[] }

/** What came to be between two states of a trace, by span. */
export function changes(before: Tree | undefined, after: Tree): Map<string, Change> {
  const known = new Map([...(before ? every(before.spans) : [])].map(({ span }) => [span.span_id, span]))
  const found = new Map<string, Change>()
  for (const { span } of every(after.spans)) {
    const old = known.get(span.span_id)
    if (!old) found.set(span.span_id, { what: 'added', members: [] })
    else {
      const members = [
        ...told.filter((m) => old[m] !== span[m]),
        ...deep.filter((m) => JSON.stringify(old[m]) !== JSON.stringify(span[m])),
        ...(old.events.length !== span.events.length ? ['events'] : []),
      ]
      if (members.length) found.set(span.span_id, { what: 'changed', members })
    }
  }
  return found
}

/** Marks of an axis: round steps of 1, 2 or 5. */
export function ticks(length: number, most: number): number[] {
  const raw = length / most
  const size = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].map((n) => n * size).find((s) => s >= raw)!
  const marks: number[] = []
  for (let t = 0; t <= length * 1.0001; t += step) marks.push(t)
  return marks
}
