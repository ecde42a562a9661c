import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { ask, at, type Page, type Row } from '../api'
import { counted, line, percent, plain } from '../format'
import { written } from '../lists/filter'
import { AsOf, useAsOf } from '../ui/as-of'
import { Heading, Labelled } from '../ui/bits'
import { useParam, useTitle } from '../ui/hooks'
import { DoorList } from '../ui/listing'
import { common, funnel, type Seen } from './funnel'

export function Events() {
  useTitle('Events')
  const asOf = useAsOf()
  return (
    <>
      <Heading title="Events" says="What people did in the product around the calls to models."><AsOf /></Heading>
      <Funnel />
      <DoorList
        door="/api/v1/events" what="events" label="Product events" empty="Send product events, as Trubrics' clients do."
        only members={['ts', 'span_name', 'user_id', 'session_id', 'input_text', 'environment', 'trace_id']}
        links={{ trace_id: (e) => ({ to: '/traces/$traceId', params: { traceId: String(e.trace_id) }, search: { as_of: asOf } }), user_id: (e) => ({ to: '/traces', search: { q: `user_id = ${written(String(e.user_id))}`, as_of: asOf } }) }}
        travels
      />
    </>
  )
}

const nameOf = (e: Row) => e.span_name ?? ''
const mostSteps = 5

/** How many users take the steps in this order, among the newest 1,000 events; begins with the steps that most of them take. */
function Funnel() {
  const asOf = useAsOf()
  const [given, setSteps] = useParam('steps')
  const events = useQuery({ queryKey: ['funnel', asOf], queryFn: async () => (await ask<Page<Row>>(at('/api/v1/events', { limit: 1_000, as_of: asOf }))).data, staleTime: 30_000 })
  const seen: Seen[] = (events.data ?? []).map((e) => ({ name: nameOf(e), user: e.user_id ?? '', at: Date.parse(e.ts) })).filter((e) => e.user && e.name)
  const names = common(seen)
  if (names.length === 0) return null
  const steps = given ? given.split(',').map((s) => s.trim()).filter(Boolean) : names.slice(0, mostSteps)
  const counts = funnel(seen, steps)
  const others = names.filter((n) => !steps.includes(n))
  const set = (wanted: string[]) => setSteps(wanted.join(',') || undefined)
  return (
    <section aria-label="Funnel" className="card mb-3 flex flex-col gap-3 p-3">
      <div className="flex flex-wrap items-end justify-between gap-2">
        <div><h2 className="font-semibold">Funnel</h2><p className="text-xs text-soft">Users who took each step after those above it, among the newest 1,000 events.</p></div>
        <div className="flex flex-wrap items-end gap-2">
          {others.length > 0 && (
            <Labelled label="Add a step">
              <select className="field max-w-56" value="" onChange={(e) => set([...steps, e.target.value])}><option value="">choose …</option>{others.map((n) => <option key={n} value={n}>{line(n, 60)}</option>)}</select>
            </Labelled>
          )}
          {given && <button type="button" className="button" onClick={() => set([])}>The usual steps</button>}
        </div>
      </div>
      <ol className="flex flex-col gap-1.5">
        {steps.map((name, i) => (
          <li key={name} className="grid grid-cols-[minmax(0,9rem)_1fr_8rem_auto] items-center gap-2 max-md:grid-cols-[1fr_auto]">
            <span className="truncate" title={plain(name)}>{line(name, 80)}</span>
            <progress className="h-3 w-full max-md:order-last max-md:col-span-2" max={Math.max(1, counts[0]!)} value={counts[i]} aria-label={`Users who reached ${plain(name)}`} />
            <span className="text-right text-xs tabular-nums max-md:order-3">{counted(counts[i]!, 'user')}, {percent(counts[0] ? counts[i]! / counts[0] : null)}</span>
            <button type="button" className="rounded p-1 text-soft hover:bg-raised" aria-label={`Leave out ${plain(name)}`} disabled={steps.length === 1} onClick={() => set(steps.filter((s) => s !== name))}><X size={13} aria-hidden /></button>
          </li>
        ))}
      </ol>
    </section>
  )
}
