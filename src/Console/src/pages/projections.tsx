import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { RotateCw } from 'lucide-react'
import { useState } from 'react'
import { ask } from '../api'
import { count, duration, plain } from '../format'
import { useMay } from '../shell'
import { At, Heading, Status } from '../ui/bits'
import { Confirm } from '../ui/dialog'
import { useTitle } from '../ui/hooks'
import { Empty, Failed, Loading, Of } from '../ui/states'
import { Table } from '../ui/table'

type Projection = {
  name: string; version: number | string; position: number; head: number; lag_events: number; lag_ms?: number | null; state: string; generation: number; parked: number; trouble?: string; owner?: string
  rebuild?: { version: number | string; generation: number; position: number; percent: number; events_per_second: number; seconds_left?: number }
  last_rebuild?: { generation: number; events: number; seconds: number; served: boolean; equal?: boolean; differences: string[] }
}

type Parked = { position: number; stream: string; revision: number; event_id: string; type: string; reason: string; parked_at: string }

export function Projections() {
  useTitle('Projections')
  const may = useMay('admin')
  const client = useQueryClient()
  const [parkedOf, setParkedOf] = useState<string>()
  const all = useQuery({
    queryKey: ['projections'], queryFn: () => ask<Projection[]>('/api/v1/projections'),
    refetchInterval: (query) => (query.state.data?.some((p) => p.state !== 'live') ? 400 : 2_000),
  })
  const rebuild = useMutation({
    mutationFn: (name: string) => ask(`/api/v1/projections/${encodeURIComponent(name)}/rebuild`, { method: 'POST', body: {} }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['projections'] }),
  })
  return (
    <>
      <Heading title="Projections" says="What the log is read into. Each can be thrown away and made again, beside the one that serves." />
      {rebuild.error && <p role="alert" className="mb-2 text-bad">{rebuild.error.message}</p>}
      <Of query={all} what="projections">
        {(list) => list.length === 0 ? <Empty title="No projection runs here" /> : (
          <Table
            label="Projections" rows={list} keyOf={(p) => p.name}
            columns={[
              { name: 'Name', draw: (p) => <><b>{p.name}</b><div className="text-xs text-soft">version {p.version}, generation {p.generation}</div></> },
              { name: 'State', draw: (p) => <><Status of={p.state} />{p.trouble && <div className="max-w-56 text-xs break-words text-bad">{plain(p.trouble)}</div>}</> },
              { name: 'Position', n: true, draw: (p) => <>{count(p.position)}<div className="text-xs text-soft">of {count(p.head)}</div></> },
              { name: 'Lag, events', n: true, draw: (p) => count(p.lag_events) },
              { name: 'Lag, time', n: true, draw: (p) => duration(p.lag_ms) },
              { name: 'Parked', n: true, draw: (p) => (p.parked > 0 ? <button type="button" className="text-bad underline" aria-label={`${count(p.parked)} parked by ${p.name}`} onClick={() => setParkedOf(parkedOf === p.name ? undefined : p.name)}>{count(p.parked)}</button> : '0') },
              { name: 'Rebuild', look: 'min-w-52', draw: (p) => (p.rebuild ? <Building name={p.name} of={p.rebuild} /> : <div className="flex flex-wrap items-center gap-2">{may && <Ask name={p.name} busy={rebuild.isPending} go={() => rebuild.mutate(p.name)} />}<LastRebuild of={p.last_rebuild} /></div>) },
            ]}
          />
        )}
      </Of>
      {parkedOf && <ParkedFacts name={parkedOf} may={may} />}
    </>
  )
}

const Ask = ({ name, busy, go }: { name: string; busy: boolean; go: () => void }) => (
  <Confirm trigger={<button type="button" className="button" disabled={busy}><RotateCw size={13} aria-hidden />Rebuild</button>} title={`Rebuild ${name}?`} act="Rebuild" go={go}>It is built from the log beside the one that serves, and takes its place when it has caught up.</Confirm>
)

/** How far a build is; the one that serves goes on beside it. */
const Building = ({ name, of }: { name: string; of: NonNullable<Projection['rebuild']> }) => (
  <div role="status">
    <progress className="h-2 w-full" max={100} value={of.percent} aria-label={`Rebuild of ${name}`} />
    <div className="text-xs text-soft tabular-nums">{of.percent.toFixed(1)} %, {count(of.events_per_second)} events/s{of.seconds_left != null && `, ${duration(of.seconds_left * 1000)} left`}</div>
  </div>
)

function LastRebuild({ of }: { of: Projection['last_rebuild'] }) {
  if (!of || of.generation <= 1) return null
  const verdict = !of.served ? 'did not take over' : of.equal === undefined ? 'comparing' : of.equal ? 'rows as before' : 'rows differ from before'
  return <span className="text-xs text-soft">last: {count(of.events)} facts in {duration(of.seconds * 1000)}, {verdict}{of.differences.length > 0 && `: ${plain(of.differences.join(' '))}`}</span>
}

function ParkedFacts({ name, may }: { name: string; may: boolean }) {
  const client = useQueryClient()
  const door = `/api/v1/projections/${encodeURIComponent(name)}/parked`
  const parked = useQuery({ queryKey: ['parked', name], queryFn: () => ask<Parked[]>(door), enabled: may, refetchInterval: 2_000 })
  const replay = useMutation({
    mutationFn: () => ask(`${door}/replay`, { method: 'POST', body: {} }),
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: ['parked', name] }), client.invalidateQueries({ queryKey: ['projections'] })]),
  })
  if (!may) return <p className="p-4 text-soft">Seeing parked facts takes an admin key.</p>
  return (
    <section className="mt-4" aria-label={`Parked facts of ${name}`}>
      <Heading title={`Parked by ${name}`}><button type="button" className="button primary" onClick={() => replay.mutate()} disabled={replay.isPending}>Replay them</button></Heading>
      {replay.error && <p role="alert" className="text-bad">{replay.error.message}</p>}
      {replay.isSuccess && <p role="status" className="mb-2">Applied again: what is still here could not be.</p>}
      {parked.error ? <Failed error={parked.error} what="parked facts" /> : !parked.data ? <Loading /> : parked.data.length === 0 ? <Empty title="Nothing is parked" /> : (
        <Table
          label="Parked facts" rows={parked.data} keyOf={(f) => f.position}
          columns={[
            { name: 'Position', n: true, draw: (f) => count(f.position) }, { name: 'Type', draw: (f) => plain(f.type) }, { name: 'Stream', look: 'max-w-72 font-mono text-xs break-all', draw: (f) => `${plain(f.stream)} @ ${f.revision}` },
            { name: 'Reason', look: 'max-w-96 break-words', draw: (f) => plain(f.reason) }, { name: 'Parked', draw: (f) => <At iso={f.parked_at} /> },
          ]}
        />
      )}
    </section>
  )
}
