import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { ask } from '../api'
import { plain } from '../format'
import { At, CopyButton, Labelled, Sheet, Status } from '../ui/bits'
import { Confirm, Window } from '../ui/dialog'
import { Empty, Of } from '../ui/states'
import { useChange } from './change'

export type Key = { id: string; key?: string; masked: string; project_id: string; name?: string; scopes: string[]; environment: string; plan: string; status: string; created_at: string; expires_at?: string; last_used_at?: string; valid_until?: string; rotation_due: boolean }

const scopes = [['ingest', 'write events'], ['read', 'read traces and figures'], ['gateway', 'call models'], ['admin', 'everything']] as const

/** The one time a key is seen. */
export function Secret({ made }: { made: Key | undefined }) {
  if (!made?.key) return null
  return (
    <div role="status" className="card mb-3 border-accent p-3">
      <p className="font-medium">This is the key. It is not shown again.</p>
      <div className="mt-2 flex flex-wrap items-center gap-2"><code className="font-mono text-sm break-all">{made.key}</code><CopyButton text={made.key} /></div>
    </div>
  )
}

export function Keys() {
  const [made, setMade] = useState<Key>()
  const [open, setOpen] = useState(false)
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => ask<Key[]>('/api/v1/keys') })
  const create = useChange<unknown, Key>('keys', (body) => ({ path: '/api/v1/keys', body }), (key) => { setMade(key); setOpen(false) })
  const rotate = useChange<{ id: string; hours: number }, Key>('keys', ({ id, hours }) => ({ path: `/api/v1/keys/${encodeURIComponent(id)}/rotate`, body: { overlap_hours: hours } }), setMade)
  const revoke = useChange<string>('keys', (id) => ({ path: `/api/v1/keys/${encodeURIComponent(id)}`, method: 'DELETE' }))

  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    const form = new FormData(e.currentTarget)
    const text = (name: string) => String(form.get(name) ?? '').trim() || undefined
    create.mutate({ name: text('name'), environment: text('environment'), project_id: text('project'), scopes: form.getAll('scope'), expires_at: text('expires') && new Date(text('expires')!).toISOString() })
  }
  const failed = rotate.error ?? revoke.error
  return (
    <>
      <Secret made={made} />
      {failed && <p role="alert" className="mb-2 text-bad">{failed.message}</p>}
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
      <Of query={keys} what="keys">
        {(list) => list.length === 0 ? <Empty title="No keys yet" /> : (
          <Sheet label="Keys">
            <thead><tr><th scope="col">Name</th><th scope="col">Key</th><th scope="col">Scopes</th><th scope="col">Environment</th><th scope="col">Status</th><th scope="col">Made</th><th scope="col">Last used</th><th scope="col"><span className="sr-only">Actions</span></th></tr></thead>
            <tbody>
              {list.map((k) => (
                <tr key={k.id}>
                  <td>{plain(k.name ?? '–')}<div className="text-xs text-soft">{plain(k.project_id)}</div></td>
                  <td className="font-mono text-xs whitespace-nowrap">{plain(k.masked)}</td>
                  <td>{k.scopes.join(', ')}</td>
                  <td>{plain(k.environment)}</td>
                  <td><Status of={k.status} />{k.rotation_due && k.status === 'active' && <div className="text-xs text-warn">older than 90 days</div>}{k.valid_until && k.status === 'rotated' && <div className="text-xs text-soft">until <At iso={k.valid_until} /></div>}</td>
                  <td className="whitespace-nowrap"><At iso={k.created_at} /></td>
                  <td className="whitespace-nowrap">{k.last_used_at ? <At iso={k.last_used_at} relative /> : 'never'}</td>
                  <td>
                    {['active', 'rotated'].includes(k.status) && (
                      <div className="flex gap-2">
                        {k.status === 'active' && <Confirm trigger={<button type="button" className="button">Rotate</button>} title={`Rotate ${plain(k.name ?? k.masked)}?`} act="Rotate" go={() => rotate.mutate({ id: k.id, hours: 24 })}>A new key is made; the old one works on for 24 hours.</Confirm>}
                        <Confirm danger trigger={<button type="button" className="button danger">Revoke</button>} title={`Revoke ${plain(k.name ?? k.masked)}?`} act="Revoke" go={() => revoke.mutate(k.id)}>It stops working at once, for good.</Confirm>
                      </div>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </Sheet>
        )}
      </Of>
    </>
  )
}
