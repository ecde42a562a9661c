import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { ask } from '../api'
import { plain } from '../format'
import { At, Labelled, Status } from '../ui/bits'
import { Confirm, Window } from '../ui/dialog'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'
import { useChange } from './change'
import { Secret } from './secret'

export type Key = { id: string; key?: string; masked: string; project_id: string; name?: string; scopes: string[]; environment: string; plan: string; status: string; created_at: string; expires_at?: string; last_used_at?: string; valid_until?: string; rotation_due: boolean }

const scopes = [['ingest', 'write events'], ['read', 'read traces and figures'], ['gateway', 'call models'], ['admin', 'everything']] as const

const overlaps = [[0, 'not at all'], [1, '1 hour'], [24, '24 hours'], [168, '7 days'], [720, '30 days']] as const

export function Keys() {
  const [made, setMade] = useState<Key>()
  const [open, setOpen] = useState(false)
  const [old, setOld] = useState<Key>()
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => ask<Key[]>('/api/v1/keys') })
  const create = useChange<unknown, Key>('keys', (body) => ({ path: '/api/v1/keys', body }), (key) => { setMade(key); setOpen(false) })
  const rotate = useChange<{ id: string; hours: number }, Key>('keys', ({ id, hours }) => ({ path: `/api/v1/keys/${encodeURIComponent(id)}/rotate`, body: { overlap_hours: hours } }), (key) => { setMade(key); setOld(undefined) })
  const revoke = useChange<string>('keys', (id) => ({ path: `/api/v1/keys/${encodeURIComponent(id)}`, method: 'DELETE' }))

  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    const form = new FormData(e.currentTarget)
    const text = (name: string) => String(form.get(name) ?? '').trim() || undefined
    create.mutate({ name: text('name'), environment: text('environment'), project_id: text('project'), scopes: form.getAll('scope'), expires_at: text('expires') && new Date(text('expires')!).toISOString() })
  }
  const overlap = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault()
    if (old) rotate.mutate({ id: old.id, hours: Number(new FormData(e.currentTarget).get('hours')) })
  }
  return (
    <>
      <Secret what="key" text={made?.key} />
      {revoke.error && <p role="alert" className="mb-2 text-bad">{revoke.error.message}</p>}
      <div className="mb-3">
        <Window open={open} change={setOpen} title="New key" trigger={<button type="button" className="button primary"><Plus size={14} aria-hidden />New key</button>}>
          <form className="flex flex-col gap-3" onSubmit={submit}>
            <Labelled label="Name"><input className="field" name="name" required maxLength={255} /></Labelled>
            <fieldset className="flex flex-col gap-1"><legend className="mb-1 text-xs font-medium text-soft">It may</legend>
              {scopes.map(([scope, says]) => <label key={scope} className="flex items-center gap-2"><input type="checkbox" name="scope" value={scope} defaultChecked={scope === 'ingest' || scope === 'read'} />{says} <code className="text-xs text-soft">{scope}</code></label>)}
            </fieldset>
            <Labelled label="Environment"><input className="field" name="environment" defaultValue="development" maxLength={64} /></Labelled>
            <Labelled label="Project" hint="Empty: this one. Another only from the project default."><input className="field" name="project" pattern="[a-z0-9_\-]{1,64}" /></Labelled>
            <Labelled label="Ends" hint="Empty: never."><input className="field" name="expires" type="datetime-local" /></Labelled>
            {create.error && <p role="alert" className="text-bad">{create.error.message}</p>}
            <button type="submit" className="button primary" disabled={create.isPending}>Make it</button>
          </form>
        </Window>
      </div>
      <Window open={old !== undefined} change={(o) => { if (!o) setOld(undefined) }} title={`Rotate ${plain(old?.name ?? old?.masked ?? '')}`} says="A new key is made, with the same scopes. Until the old one ends, both work.">
        <form className="flex flex-col gap-3" onSubmit={overlap}>
          <Labelled label="The old key works on for"><select className="field" name="hours" defaultValue="24">{overlaps.map(([hours, says]) => <option key={hours} value={hours}>{says}</option>)}</select></Labelled>
          {rotate.error && <p role="alert" className="text-bad">{rotate.error.message}</p>}
          <button type="submit" className="button primary" disabled={rotate.isPending}>Rotate it</button>
        </form>
      </Window>
      <Of query={keys} what="keys">
        {(list) => list.length === 0 ? <Empty title="No keys yet" /> : (
          <Table
            label="Keys" rows={list} keyOf={(k) => k.id}
            columns={[
              { name: 'Name', draw: (k) => <>{plain(k.name ?? '–')}<div className="text-xs text-soft">{plain(k.project_id)}</div></> },
              { name: 'Key', look: 'font-mono text-xs whitespace-nowrap', draw: (k) => plain(k.masked) },
              { name: 'Scopes', draw: (k) => k.scopes.join(', ') },
              { name: 'Environment', draw: (k) => plain(k.environment) },
              { name: 'Status', draw: (k) => <><Status of={k.status} />{k.rotation_due && k.status === 'active' && <div className="text-xs text-warn">older than 90 days</div>}{k.valid_until && k.status === 'rotated' && <div className="text-xs text-soft">until <At iso={k.valid_until} /></div>}{k.expires_at && k.status === 'active' && <div className="text-xs text-soft">ends <At iso={k.expires_at} /></div>}</> },
              { name: 'Made', look: 'whitespace-nowrap', draw: (k) => <><At iso={k.created_at} /><div className="text-xs text-soft"><At iso={k.created_at} relative /></div></> },
              { name: 'Last used', look: 'whitespace-nowrap', draw: (k) => (k.last_used_at ? <At iso={k.last_used_at} relative /> : 'never') },
              {
                name: '', draw: (k) => ['active', 'rotated'].includes(k.status) && (
                  <div className="flex gap-2">
                    {k.status === 'active' && <button type="button" className="button" onClick={() => { rotate.reset(); setOld(k) }}>Rotate</button>}
                    <Confirm danger trigger={<button type="button" className="button danger">Revoke</button>} title={`Revoke ${plain(k.name ?? k.masked)}?`} act="Revoke" go={() => revoke.mutate(k.id)}>It stops working at once, for good.</Confirm>
                  </div>
                ),
              },
            ]}
          />
        )}
      </Of>
    </>
  )
}
