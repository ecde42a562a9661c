import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { RotateCw } from 'lucide-react'
import { useState } from 'react'
import { ask } from '../api'
import { count, duration, plain } from '../format'
import { useMay } from '../shell'
import { At, Heading, Sheet, Status } from '../ui/bits'
import { Confirm } from '../ui/dialog'
import { useTitle } from '../ui/hooks'
import { Empty, Failed, Loading, Of } from '../ui/states'

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
          <Sheet label="Projections">
            <thead>
              <tr><th scope="col">Name</th><th scope="col">State</th><th scope="col" className="n">Position</th><th scope="col" className="n">Lag, events</th><th scope="col" className="n">Lag, time</th><th scope="col" className="n">Parked</th><th scope="col">Rebuild</th></tr>
            </thead>
            <tbody>
              {list.map((p) => (
                <tr key={p.name}>
                  <td><b>{p.name}</b><div className="text-xs text-soft">version {p.version}, generation {p.generation}</div></td>
                  <td><Status of={p.state} />{p.trouble && <div className="max-w-56 text-xs break-words text-bad">{plain(p.trouble)}</div>}</td>
                  <td className="n">{count(p.position)}<div className="text-xs text-soft">of {count(p.head)}</div></td>
                  <td className="n">{count(p.lag_events)}</td>
                  <td className="n">{duration(p.lag_ms)}</td>
                  <td className="n">{p.parked > 0 ? <button type="button" className="text-bad underline" onClick={() => setParkedOf(parkedOf === p.name ? undefined : p.name)}>{count(p.parked)}</button> : '0'}</td>
                  <td className="min-w-52">
                    {p.rebuild ? (
                      <div role="status">
                        <progress className="h-2 w-full accent-(--accent)" max={100} value={p.rebuild.percent} aria-label={`Rebuild of ${p.name}`} />
                        <div className="text-xs text-soft tabular-nums">{p.rebuild.percent.toFixed(1)} %, {count(p.rebuild.events_per_second)} events/s{p.rebuild.seconds_left != null && `, ${duration(p.rebuild.seconds_left * 1000)} left`}</div>
                      </div>
                    ) : (
                      <div className="flex flex-wrap items-center gap-2">
                        {may && <Confirm trigger={<button type="button" className="button" disabled={rebuild.isPending}><RotateCw size={13} aria-hidden />Rebuild</button>} title={`Rebuild ${p.name}?`} act="Rebuild" go={() => rebuild.mutate(p.name)}>It is built from the log beside the one that serves, and takes its place when it has caught up.</Confirm>}
                        <LastRebuild of={p.last_rebuild} />
                      </div>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </Sheet>
        )}
      </Of>
      {parkedOf && <ParkedFacts name={parkedOf} may={may} />}
    </>
  )
}

function LastRebuild({ of }: { of: Projection['last_rebuild'] }) {
  if (!of) return null
  const verdict = !of.served ? 'did not take over' : of.equal === undefined ? 'comparing' : of.equal ? 'rows as before' : 'rows differ from before'
  return <span className="text-xs text-soft">last: {count(of.events)} facts in {duration(of.seconds * 1000)}, {verdict}{of.differences.length > 0 && `: ${plain(of.differences.join(' '))}`}</span>
}

function ParkedFacts({ name, may }: { name: string; may: boolean }) {
  const client = useQueryClient()
  const door = `/api/v1/projections/${encodeURIComponent(name)}/parked`
  const parked = useQuery({ queryKey: ['parked', name], queryFn: () => ask<Parked[]>(door), enabled: may })
  const replay = useMutation({
    mutationFn: () => ask(`${door}/replay`, { method: 'POST', body: {} }),
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: ['parked', name] }), client.invalidateQueries({ queryKey: ['projections'] })]),
  })
  if (!may) return <p className="p-4 text-soft">Seeing parked facts takes an admin key.</p>
  return (
    <section className="mt-4" aria-label={`Parked facts of ${name}`}>
      <Heading title={`Parked by ${name}`}><button type="button" className="button primary" onClick={() => replay.mutate()} disabled={replay.isPending}>Replay them</button></Heading>
      {replay.error && <p role="alert" className="text-bad">{replay.error.message}</p>}
      {parked.error ? <Failed error={parked.error} what="parked facts" /> : !parked.data ? <Loading /> : parked.data.length === 0 ? <Empty title="Nothing is parked" /> : (
        <Sheet label="Parked facts">
          <thead><tr><th scope="col" className="n">Position</th><th scope="col">Type</th><th scope="col">Stream</th><th scope="col">Reason</th><th scope="col">Parked</th></tr></thead>
          <tbody>{parked.data.map((f) => <tr key={f.position}><td className="n">{count(f.position)}</td><td>{plain(f.type)}</td><td className="max-w-72 font-mono text-xs break-all">{plain(f.stream)} @ {f.revision}</td><td className="max-w-96 break-words">{plain(f.reason)}</td><td><At iso={f.parked_at} /></td></tr>)}</tbody>
        </Sheet>
      )}
    </section>
  )
}
