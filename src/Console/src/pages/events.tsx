import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ask, at, type Page, type Row } from '../api'
import { counted, percent, plain } from '../format'
import { written } from '../lists/filter'
import { AsOf, useAsOf } from '../ui/as-of'
import { Heading, Labelled } from '../ui/bits'
import { useParam, useTitle } from '../ui/hooks'
import { DoorList } from '../ui/listing'
import { funnel, type Seen } from './funnel'

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

/** How many users take the steps in this order, among the newest 1,000 events. */
function Funnel() {
  const asOf = useAsOf()
  const [steps, setSteps] = useParam('steps')
  const [text, setText] = useState(steps)
  const events = useQuery({ queryKey: ['funnel', asOf], queryFn: async () => (await ask<Page<Row>>(at('/api/v1/events', { limit: 1_000, as_of: asOf }))).data, staleTime: 30_000 })
  const names = [...new Set((events.data ?? []).map(nameOf))].filter(Boolean)
  const wanted = steps.split(',').map((s) => s.trim()).filter(Boolean)
  const seen: Seen[] = (events.data ?? []).map((e) => ({ name: nameOf(e), user: e.user_id ?? '', at: Date.parse(e.ts) })).filter((e) => e.user)
  const counts = funnel(seen, wanted)
  if (names.length === 0) return null
  return (
    <section aria-label="Funnel" className="card mb-3 flex flex-col gap-3 p-3">
      <form className="flex flex-wrap items-end gap-2" onSubmit={(e) => { e.preventDefault(); setSteps(text) }}>
        <Labelled label="Funnel: names of events, in order, with commas between" hint={`Among the newest 1,000 events: ${names.slice(0, 8).map(plain).join(', ')}`}>
          <input className="field w-96" value={text} onChange={(e) => setText(e.target.value)} placeholder={names.slice(0, 2).join(', ')} />
        </Labelled>
        <button type="submit" className="button">Show</button>
      </form>
      {wanted.length > 0 && (
        <ol className="flex flex-col gap-1.5">
          {wanted.map((name, i) => (
            <li key={i} className="grid grid-cols-[8rem_1fr_8rem] items-center gap-2">
              <span className="truncate">{plain(name)}</span>
              <progress className="h-3 w-full" max={Math.max(1, counts[0]!)} value={counts[i]} aria-label={`Users who reached ${name}`} />
              <span className="text-right text-xs tabular-nums">{counted(counts[i]!, 'user')}, {percent(counts[0] ? counts[i]! / counts[0] : null)}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
