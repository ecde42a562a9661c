import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { ask, at } from '../api'
import { count, plain } from '../format'
import { At, Figure, Heading, Labelled, Status } from '../ui/bits'
import { useParam, useTitle } from '../ui/hooks'
import { ItemTable, type Item } from '../ui/listing'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'

type Receipt = { position: number; stream: string; revision: number; type: string; recorded_at: string; sha256: string; trace_id?: string; projections: { name: string; position: number; state: string; reason?: string }[] }

type Completeness = { counted_from: string; counted_until: string; gaps: { from: string; to: string }[]; lag_events: number; sources: Item[] }

const spans = { '1h': 1, '24h': 24, '7d': 168 } as const

export function Receipts() {
  useTitle('Receipts and completeness')
  const [position, setPosition] = useParam('position')
  const [text, setText] = useState(position)
  const [window, setWindow] = useParam('window', '24h')
  const [from] = useState(() => Date.now())
  return (
    <>
      <Heading title="Receipts" says="Every write is answered with X-Log-Position. Here is what happened to that fact." />
      <form className="mb-3 flex items-end gap-2" onSubmit={(e) => { e.preventDefault(); setPosition(text.trim()) }}>
        <Labelled label="Position"><input className="field w-44 font-mono" inputMode="numeric" pattern="[0-9]+" required value={text} onChange={(e) => setText(e.target.value)} /></Labelled>
        <button type="submit" className="button primary">Show</button>
      </form>
      {position && <OneReceipt position={position} />}
      <div className="mt-6" />
      <Heading title="Completeness" says="What each source sent, and what became of it.">
        <label><span className="sr-only">Time</span><select className="field" value={window} onChange={(e) => setWindow(e.target.value)}>{Object.keys(spans).map((s) => <option key={s}>{s}</option>)}</select></label>
      </Heading>
      <CompletenessSince from={new Date(from - (spans[window as keyof typeof spans] ?? 24) * 3_600_000).toISOString()} />
    </>
  )
}

/** Two ledgers side by side: what the doors counted, and what the log and its read models hold. */
function CompletenessSince({ from }: { from: string }) {
  const found = useQuery({ queryKey: ['completeness', from], queryFn: () => ask<Completeness>(at('/api/v1/completeness', { from })) })
  return (
    <Of query={found} what="completeness">
      {(c) => (
        <div className="flex flex-col gap-2">
          {c.sources.length === 0 ? <Empty title="No completeness yet">Nothing was sent in this time.</Empty> : (
            <ItemTable items={c.sources} label="Completeness by source" members={['dialect', 'key_id', 'received', 'acknowledged', 'stored', 'projected', 'duplicate', 'refused', 'parked', 'pending', 'missing', 'uncounted']} />
          )}
          <p className="text-xs text-soft">The doors count since <At iso={c.counted_from} />, here until <At iso={c.counted_until} />; {count(c.lag_events)} events of the log are not projected yet.</p>
          {c.gaps.map((gap) => <p key={gap.from} className="text-xs text-soft">A process was killed: what came between <At iso={gap.from} /> and <At iso={gap.to} /> may be stored and uncounted.</p>)}
        </div>
      )}
    </Of>
  )
}

function OneReceipt({ position }: { position: string }) {
  const receipt = useQuery({ queryKey: ['receipt', position], queryFn: () => ask<Receipt>(`/api/v1/receipts/${encodeURIComponent(position)}`), refetchInterval: (q) => (q.state.data?.projections.some((p) => p.state === 'pending') ? 500 : false) })
  return (
    <Of query={receipt} what="receipt">
      {(r) => (
        <div className="flex flex-col gap-2">
          <dl className="card grid grid-cols-2 gap-3 p-3 md:grid-cols-4">
            <Figure name="Position">{count(r.position)}</Figure>
            <Figure name="Type">{plain(r.type)}</Figure>
            <Figure name="Revision">{count(r.revision)}</Figure>
            <Figure name="Recorded"><At iso={r.recorded_at} /></Figure>
            <div className="col-span-2 min-w-0"><dt className="text-xs text-soft">Stream</dt><dd className="font-mono text-xs break-all">{plain(r.stream)}{r.trace_id && <> · <Link className="text-accent underline" to="/traces/$traceId" params={{ traceId: r.trace_id } as never}>trace</Link></>}</dd></div>
            <div className="col-span-2 min-w-0"><dt className="text-xs text-soft">SHA-256</dt><dd className="font-mono text-xs break-all">{plain(String(r.sha256))}</dd></div>
          </dl>
          <Table
            label="Projections of this fact" rows={r.projections} keyOf={(p) => p.name}
            columns={[{ name: 'Projection', draw: (p) => plain(p.name) }, { name: 'State', draw: (p) => <Status of={p.state} /> }, { name: 'Its position', n: true, draw: (p) => count(p.position) }, { name: 'Reason', draw: (p) => p.reason && plain(p.reason) }]}
          />
        </div>
      )}
    </Of>
  )
}
