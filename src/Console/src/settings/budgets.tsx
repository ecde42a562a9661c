import { useQuery } from '@tanstack/react-query'
import type { FormEvent } from 'react'
import { ask } from '../api'
import { count, plain, usd } from '../format'
import { Labelled } from '../ui/bits'
import { Confirm } from '../ui/dialog'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'
import { useChange } from './change'

type Budget = { id: string; subject: string; subject_id?: string; period: string; usd?: number; tokens?: number; requests?: number; used: { subject_id?: string; usd?: number; tokens: number; requests: number }[] }

/** Of whoever used most. */
const used = (b: Budget, member: 'usd' | 'tokens' | 'requests') => Math.max(0, ...b.used.map((u) => u[member] ?? 0))

export function Budgets() {
  const budgets = useQuery({ queryKey: ['budgets'], queryFn: () => ask<Budget[]>('/api/v1/budgets') })
  const put = useChange<{ id: string; body: unknown }>('budgets', ({ id, body }) => ({ path: `/api/v1/budgets/${encodeURIComponent(id)}`, method: 'PUT', body }))
  const lift = useChange<string>('budgets', (id) => ({ path: `/api/v1/budgets/${encodeURIComponent(id)}`, method: 'DELETE' }))
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    const form = new FormData(e.currentTarget)
    const number = (name: string) => (form.get(name) ? Number(form.get(name)) : undefined)
    put.mutate({ id: String(form.get('id')), body: { subject: form.get('subject'), subject_id: form.get('subject_id') || undefined, period: form.get('period'), usd: number('usd'), tokens: number('tokens'), requests: number('requests') } })
  }
  const failed = put.error ?? lift.error
  return (
    <>
      <Of query={budgets} what="budgets">
        {(list) => list.length === 0 ? <Empty title="No budget is set">Everybody may use what the provider gives.</Empty> : (
          <Table
            label="Budgets" rows={list} keyOf={(b) => b.id}
            columns={[
              { name: 'Name', look: 'font-medium', draw: (b) => plain(b.id) },
              { name: 'For', draw: (b) => <>{plain(b.subject)}{b.subject_id && ` ${plain(b.subject_id)}`}</> },
              { name: 'Per', draw: (b) => b.period },
              { name: 'Money, USD', draw: (b) => <Use used={used(b, 'usd')} of={b.usd} say={usd} /> },
              { name: 'Tokens', draw: (b) => <Use used={used(b, 'tokens')} of={b.tokens} say={count} /> },
              { name: 'Requests', draw: (b) => <Use used={used(b, 'requests')} of={b.requests} say={count} /> },
              { name: '', draw: (b) => <Confirm danger trigger={<button type="button" className="button danger">Lift</button>} title={`Lift ${plain(b.id)}?`} act="Lift" go={() => lift.mutate(b.id)}>What was used stays counted; nothing is refused for it any more.</Confirm> },
            ]}
          />
        )}
      </Of>
      <form className="card mt-4 flex flex-wrap items-end gap-2 p-3" onSubmit={submit} aria-label="Set a budget">
        <Labelled label="Name"><input className="field w-32" name="id" required pattern="[A-Za-z0-9_.\-]+" /></Labelled>
        <Labelled label="For"><select className="field" name="subject"><option value="project">the project</option><option value="key">a key</option><option value="user">a user</option></select></Labelled>
        <Labelled label="Which"><input className="field w-36" name="subject_id" placeholder="each of them" /></Labelled>
        <Labelled label="Per"><select className="field" name="period" defaultValue="month"><option>minute</option><option>day</option><option>month</option></select></Labelled>
        <Labelled label="USD"><input className="field w-24" name="usd" type="number" min="0" step="any" /></Labelled>
        <Labelled label="Tokens"><input className="field w-28" name="tokens" type="number" min="0" /></Labelled>
        <Labelled label="Requests"><input className="field w-28" name="requests" type="number" min="0" /></Labelled>
        <button type="submit" className="button primary" disabled={put.isPending}>Set</button>
        {failed && <p role="alert" className="w-full text-bad">{failed.message}</p>}
      </form>
    </>
  )
}

function Use({ used, of, say }: { used: number; of?: number; say: (n: number) => string }) {
  if (of == null) return <span className="text-soft">no limit</span>
  return <span className="tabular-nums"><progress className="mr-2 h-2 w-20" max={of || 1} value={Math.min(used, of)} aria-label={`${say(used)} of ${say(of)} used`} />{say(used)} of {say(of)}</span>
}
