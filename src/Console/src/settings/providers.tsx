import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ask } from '../api'
import { plain } from '../format'
import { At, Labelled } from '../ui/bits'
import { Confirm } from '../ui/dialog'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'
import { useChange } from './change'

type Provider = { id: string; slug: string; kind: string; base_url: string; models: string[]; key_last_four: string; key_fingerprint: string; updated_at: string }
type Tested = { success: boolean; status?: number; message: string }

const usual: Record<string, string> = { openai: 'https://api.openai.com', anthropic: 'https://api.anthropic.com' }

export function Providers() {
  const providers = useQuery({ queryKey: ['providers'], queryFn: () => ask<Provider[]>('/api/v1/providers') })
  const [kind, setKind] = useState('openai')
  const [round, setRound] = useState(0)
  const save = useChange('providers', (body) => ({ path: '/api/v1/providers', body }), () => setRound((n) => n + 1))
  const forget = useChange<string>('providers', (id) => ({ path: `/api/v1/providers/${encodeURIComponent(id)}`, method: 'DELETE' }))
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    const form = new FormData(e.currentTarget)
    const models = String(form.get('models') ?? '').split(',').map((m) => m.trim()).filter(Boolean)
    save.mutate({ slug: form.get('slug'), kind, base_url: form.get('base_url'), api_key: form.get('api_key'), models })
  }
  return (
    <>
      {forget.error && <p role="alert" className="mb-2 text-bad">{forget.error.message}</p>}
      <Of query={providers} what="providers">
        {(list) => list.length === 0 ? <Empty title="No provider yet">Add one below, and calls through the gateway reach it.</Empty> : (
          <Table
            label="Providers" rows={list} keyOf={(p) => p.id}
            columns={[
              { name: 'Name', look: 'font-medium', draw: (p) => plain(p.slug) },
              { name: 'Kind', draw: (p) => p.kind },
              { name: 'Address', look: 'max-w-72 break-all', draw: (p) => plain(p.base_url) },
              { name: 'Models', look: 'max-w-60 break-words', draw: (p) => (p.models.length ? p.models.map(plain).join(', ') : 'any') },
              { name: 'Key', look: 'font-mono text-xs whitespace-nowrap', draw: (p) => <span title={`Fingerprint ${p.key_fingerprint}`}>…{plain(p.key_last_four)}</span> },
              { name: 'Changed', look: 'whitespace-nowrap', draw: (p) => <At iso={p.updated_at} /> },
              { name: '', draw: (p) => <div className="flex flex-wrap gap-2"><Test id={p.id} /><Confirm danger trigger={<button type="button" className="button danger">Forget</button>} title={`Forget ${plain(p.slug)}?`} act="Forget" go={() => forget.mutate(p.id)}>Its key is destroyed; calls to its models fail.</Confirm></div> },
            ]}
          />
        )}
      </Of>
      <form key={round} className="card mt-4 flex flex-wrap items-end gap-2 p-3" onSubmit={submit} aria-label="New provider">
        <Labelled label="Name"><input className="field w-32" name="slug" required pattern="[a-z0-9_\-]+" placeholder="openai" /></Labelled>
        <Labelled label="Kind"><select className="field" value={kind} onChange={(e) => setKind(e.target.value)}><option value="openai">OpenAI</option><option value="anthropic">Anthropic</option></select></Labelled>
        <Labelled label="Address"><input className="field w-64" name="base_url" type="url" required defaultValue={usual[kind]} key={kind} /></Labelled>
        <Labelled label="Key"><input className="field" name="api_key" type="password" autoComplete="off" required /></Labelled>
        <Labelled label="Models, with commas between"><input className="field" name="models" placeholder="any" /></Labelled>
        <button type="submit" className="button primary" disabled={save.isPending}>Add</button>
        {save.error && <p role="alert" className="w-full text-bad">{save.error.message}</p>}
      </form>
    </>
  )
}

function Test({ id }: { id: string }) {
  const test = useMutation({ mutationFn: () => ask<Tested>(`/api/v1/providers/${encodeURIComponent(id)}/test`, { method: 'POST', body: {} }) })
  return (
    <>
      <button type="button" className="button" onClick={() => test.mutate()} disabled={test.isPending}>{test.isPending ? 'Testing …' : 'Test'}</button>
      <span role="status" className={`order-last w-full text-xs empty:hidden ${test.data?.success ? 'text-ok' : 'text-bad'}`}>{test.error?.message ?? (test.data && `${test.data.success ? 'It answers' : 'It refuses'}: ${plain(test.data.message)}`)}</span>
    </>
  )
}
