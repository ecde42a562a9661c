import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ask, at } from '../api'
import { count, counted, line } from '../format'
import { At, Segments, Status } from '../ui/bits'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'
import { type Alert, sayValue } from './alerts'

type Tried = { from: string; to: string; windows: number; fired: number; turns: { at: string; type: string; value?: number }[]; last_value?: number }
type Delivery = { position: number; type: string; state: string; attempts: number; status?: number; error?: string; created_at: string; next_attempt_at?: string; ended_at?: string }

const lengths = [['1', '1 h'], ['24', '24 h'], ['168', '7 d']] as const

/** When a rule would have fired, and what was told of it. */
export function AlertHistory({ alert, at: which }: { alert: Alert; at: 'past' | 'deliveries' }) {
  return which === 'past' ? <Past alert={alert} /> : <Deliveries alert={alert} />
}

function Past({ alert }: { alert: Alert }) {
  const [hours, setHours] = useState<string>('24')
  const tried = useQuery({
    queryKey: ['alert-try', alert.id, hours],
    queryFn: () => ask<Tried>(at(`/api/v1/alerts/${encodeURIComponent(alert.id)}/try`, { from: new Date(Date.now() - Number(hours) * 3_600_000).toISOString() }), { method: 'POST', body: {} }),
  })
  return (
    <section aria-label={`${alert.name} on the past`} className="mt-4 flex flex-col gap-2">
      <div className="flex flex-wrap items-center justify-between gap-2"><h2 className="font-semibold">{line(alert.name, 80)} on the past</h2><Segments label="How far back" value={hours} choices={lengths} change={setHours} /></div>
      <Of query={tried} what="past">
        {(t) => (
          <>
            <p role="status">Looked at {counted(t.windows, 'window')}: it would have fired {t.fired === 1 ? 'once' : `${count(t.fired)} times`}. The last value is {sayValue(alert, t.last_value)}. Nothing was sent.</p>
            {t.turns.length > 0 && (
              <Table label="Turns" rows={t.turns} columns={[{ name: 'At', draw: (x) => <At iso={x.at} /> }, { name: 'Turned', draw: (x) => <Status of={x.type} /> }, { name: 'Value', n: true, draw: (x) => sayValue(alert, x.value) }]} />
            )}
          </>
        )}
      </Of>
    </section>
  )
}

function Deliveries({ alert }: { alert: Alert }) {
  const told = useQuery({ queryKey: ['deliveries', alert.id], queryFn: async () => (await ask<{ items: Delivery[] }>(`/api/v1/alerts/${encodeURIComponent(alert.id)}/deliveries`)).items, refetchInterval: 5_000 })
  return (
    <section aria-label={`Deliveries of ${alert.name}`} className="mt-4 flex flex-col gap-2">
      <h2 className="font-semibold">What was told of {line(alert.name, 80)}</h2>
      <Of query={told} what="deliveries">
        {(list) => list.length === 0 ? <Empty title="Nothing was told yet">It tells when it begins to fire, and when it stops.</Empty> : (
          <Table
            label="Deliveries" rows={list} keyOf={(d) => d.position}
            columns={[
              { name: 'Made', draw: (d) => <At iso={d.created_at} /> }, { name: 'What', draw: (d) => <Status of={d.type} /> }, { name: 'State', draw: (d) => <Status of={d.state} /> },
              { name: 'Attempts', n: true, draw: (d) => count(d.attempts) }, { name: 'Answer', draw: (d) => <>{d.status ?? ''} {d.error && line(d.error, 200)}</> }, { name: 'Next, or ended', draw: (d) => <At iso={d.next_attempt_at ?? d.ended_at} /> },
            ]}
          />
        )}
      </Of>
    </section>
  )
}
