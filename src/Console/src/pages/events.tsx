import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ask, at } from '../api'
import { count, percent, plain } from '../format'
import { written } from '../lists/filter'
import { useOffers } from '../shell'
import { Heading, Labelled } from '../ui/bits'
import { useParam, useTitle } from '../ui/hooks'
import { DoorList, type Item, itemsOf } from '../ui/listing'
import { funnel, type Seen } from './funnel'

export function Events() {
  useTitle('Events')
  const offered = useOffers('GET /api/v1/events')
  return (
    <>
      <Heading title="Events" says="What people did in the product around the calls to models." />
      {offered && <Funnel />}
      <DoorList
        door="/api/v1/events" what="events" label="Product events" empty="Send product events, as Trubrics' clients do."
        members={['at', 'ts', 'name', 'event', 'user_id', 'session_id', 'trace_id', 'environment', 'properties', 'attributes']}
        links={{ trace_id: (e) => ({ to: '/traces/$traceId', params: { traceId: String(e.trace_id) } }), user_id: (e) => ({ to: '/traces', search: { q: `user_id = ${written(String(e.user_id))}` } }) }}
      />
    </>
  )
}

const nameOf = (e: Item) => String(e.name ?? e.event ?? e.type ?? '')

/** How many users take the steps in this order, among the newest 1,000 events. */
function Funnel() {
  const [steps, setSteps] = useParam('steps')
  const [text, setText] = useState(steps)
  const events = useQuery({ queryKey: ['funnel'], queryFn: async () => itemsOf(await ask(at('/api/v1/events', { limit: 1_000 }))), staleTime: 30_000 })
  const names = [...new Set((events.data ?? []).map(nameOf))].filter(Boolean)
  const wanted = steps.split(',').map((s) => s.trim()).filter(Boolean)
  const seen: Seen[] = (events.data ?? []).map((e) => ({ name: nameOf(e), user: String(e.user_id ?? ''), at: Date.parse(String(e.at ?? e.ts ?? e.timestamp)) })).filter((e) => e.user)
  const counts = funnel(seen, wanted)
  if (names.length === 0) return null
  return (
    <section aria-label="Funnel" className="card mb-3 flex flex-col gap-3 p-3">
      <form className="flex flex-wrap items-end gap-2" onSubmit={(e) => { e.preventDefault(); setSteps(text) }}>
        <Labelled label="Funnel: names of events, in order, with commas between" hint={`Known: ${names.slice(0, 8).map(plain).join(', ')}`}>
          <input className="field w-96" value={text} onChange={(e) => setText(e.target.value)} placeholder={names.slice(0, 2).join(', ')} />
        </Labelled>
        <button type="submit" className="button">Show</button>
      </form>
      {wanted.length > 0 && (
        <ol className="flex flex-col gap-1.5">
          {wanted.map((name, i) => (
            <li key={i} className="grid grid-cols-[8rem_1fr_8rem] items-center gap-2">
              <span className="truncate">{plain(name)}</span>
              <progress className="h-3 w-full accent-(--accent)" max={Math.max(1, counts[0]!)} value={counts[i]} aria-label={`Users who reached ${name}`} />
              <span className="text-right text-xs tabular-nums">{count(counts[i])} users, {percent(counts[0] ? counts[i]! / counts[0] : null)}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
