import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ask } from '../api'
import { count, duration, line, percent, plain, usd } from '../format'
import { type Filter, parse, say } from '../lists/filter'
import { At, Labelled, Status } from '../ui/bits'
import { Confirm } from '../ui/dialog'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'
import { AlertHistory } from './alert-history'
import { useChange } from './change'
import { Secret } from './secret'

export type Alert = {
  id: string; name: string; filter?: Filter; metric: string; window_minutes: number; comparison?: string; threshold?: number; cooldown_minutes: number; enabled: boolean; webhook_url: string; secret?: string
  firing: boolean; value?: number; trouble?: string; evaluated_at: string; fired_at?: string
}

type Metric = { name: string; unit: string; say: (n: number | null | undefined) => string }

/** What a rule measures, over its window. */
const metrics: Record<string, Metric> = {
  error_rate: { name: 'Share of errors', unit: '0 to 1', say: percent }, p95_ms: { name: 'Latency, p95', unit: 'ms', say: duration }, cost_usd: { name: 'Cost', unit: 'USD', say: usd },
  requests: { name: 'Requests', unit: 'requests', say: count }, absence: { name: 'No request at all', unit: '', say: count },
}
const signs: Record<string, string> = { gt: '>', gte: '≥', lt: '<', lte: '≤' }

export const sayValue = (alert: Alert, value: number | null | undefined) => (metrics[alert.metric]?.say ?? count)(value)

export function Alerts() {
  const [secret, setSecret] = useState<string>()
  const [round, setRound] = useState(0)
  const [metric, setMetric] = useState('error_rate')
  const [wrong, setWrong] = useState<string>()
  const [looked, setLooked] = useState<{ id: string; at: 'past' | 'deliveries' }>()
  const alerts = useQuery({ queryKey: ['alerts'], queryFn: () => ask<Alert[]>('/api/v1/alerts'), refetchInterval: 15_000 })
  const add = useChange<unknown, Alert>('alerts', (body) => ({ path: '/api/v1/alerts', body }), (alert) => { setSecret(alert.secret); setRound((n) => n + 1); setMetric('error_rate') })
  const change = useChange<{ id: string; body: unknown }>('alerts', ({ id, body }) => ({ path: `/api/v1/alerts/${encodeURIComponent(id)}`, method: 'PUT', body }))
  const remove = useChange<string>('alerts', (id) => ({ path: `/api/v1/alerts/${encodeURIComponent(id)}`, method: 'DELETE' }))
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    const form = new FormData(e.currentTarget)
    const number = (name: string) => (form.get(name) ? Number(form.get(name)) : undefined)
    try {
      const filter = parse(String(form.get('filter') ?? ''))
      setWrong(undefined)
      add.mutate({ name: form.get('name'), metric, comparison: form.get('comparison') ?? undefined, threshold: number('threshold'), window_minutes: number('window'), cooldown_minutes: number('cooldown'), webhook_url: form.get('webhook_url'), ...(filter ? { filter } : {}) })
    } catch (thrown) {
      setWrong((thrown as Error).message)
    }
  }
  const failed = change.error ?? remove.error
  return (
    <>
      <Secret what="secret that messages are signed with" text={secret} />
      {failed && <p role="alert" className="mb-2 text-bad">{failed.message}</p>}
      <Of query={alerts} what="alerts">
        {(list) => {
          const one = list.find((a) => a.id === looked?.id)
          return list.length === 0 ? <Empty title="No alerts yet">Add a rule below; it is looked at every minute.</Empty> : (
            <>
              <Table
                label="Alerts" rows={list} keyOf={(a) => a.id}
                columns={[
                  { name: 'Name', look: 'font-medium', draw: (a) => plain(a.name) },
                  { name: 'Fires when', draw: (a) => <>{metrics[a.metric]?.name ?? a.metric}{a.comparison && ` ${signs[a.comparison]} ${sayValue(a, a.threshold)}`} in {count(a.window_minutes)} min{a.filter != null && <code className="block text-xs break-all text-soft" title="Of the requests that this filter takes">of {line(say(a.filter), 160)}</code>}</> },
                  { name: 'State', draw: (a) => <><Status of={!a.enabled ? 'off' : a.firing ? 'firing' : 'quiet'} />{a.trouble && <div className="text-xs text-bad">{plain(a.trouble)}</div>}</> },
                  { name: 'Value', n: true, draw: (a) => sayValue(a, a.value) },
                  { name: 'Looked at', look: 'whitespace-nowrap', draw: (a) => <At iso={a.evaluated_at} /> },
                  { name: 'Tells', look: 'max-w-56 min-w-40 break-all', draw: (a) => plain(a.webhook_url) },
                  {
                    name: '', draw: (a) => (
                      <div className="flex flex-wrap gap-2">
                        <button type="button" className="button" onClick={() => setLooked({ id: a.id, at: 'past' })}>Try on the past</button>
                        <button type="button" className="button" onClick={() => setLooked({ id: a.id, at: 'deliveries' })}>Deliveries</button>
                        <button type="button" className="button" onClick={() => change.mutate({ id: a.id, body: { enabled: !a.enabled } })}>{a.enabled ? 'Switch off' : 'Switch on'}</button>
                        <Confirm danger trigger={<button type="button" className="button danger">Delete</button>} title={`Delete ${plain(a.name)}?`} act="Delete" go={() => remove.mutate(a.id)}>What is still to be told of it is not told.</Confirm>
                      </div>
                    ),
                  },
                ]}
              />
              {one && looked && <AlertHistory key={`${one.id}-${looked.at}`} alert={one} at={looked.at} />}
            </>
          )
        }}
      </Of>
      <form key={round} className="card mt-4 flex flex-wrap items-end gap-2 p-3" onSubmit={submit} aria-label="New alert">
        <Labelled label="Name"><input className="field w-40" name="name" required maxLength={255} /></Labelled>
        <Labelled label="Measures"><select className="field" value={metric} onChange={(e) => setMetric(e.target.value)}>{Object.entries(metrics).map(([key, m]) => <option key={key} value={key}>{m.name}</option>)}</select></Labelled>
        {metric !== 'absence' && (
          <>
            <Labelled label="Fires when it is"><select className="field" name="comparison">{Object.entries(signs).map(([key, sign]) => <option key={key} value={key}>{sign}</option>)}</select></Labelled>
            <Labelled label={`Threshold, ${metrics[metric]!.unit}`}><input className="field w-28" name="threshold" type="number" step="any" required /></Labelled>
          </>
        )}
        <Labelled label="Window, min"><input className="field w-24" name="window" type="number" min="1" defaultValue="5" required /></Labelled>
        <Labelled label="Rests after, min"><input className="field w-24" name="cooldown" type="number" min="0" defaultValue="0" required /></Labelled>
        <Labelled label="Of the requests that"><input className="field w-64 font-mono text-xs" name="filter" placeholder="model = gpt-4o (empty: all)" spellCheck={false} /></Labelled>
        <Labelled label="Tells (webhook)"><input className="field w-64" name="webhook_url" type="url" required placeholder="https://" /></Labelled>
        <button type="submit" className="button primary" disabled={add.isPending}>Add</button>
        {(wrong ?? add.error) && <p role="alert" className="w-full text-bad">{wrong ?? add.error?.message}</p>}
      </form>
    </>
  )
}
