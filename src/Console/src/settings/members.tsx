import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ask } from '../api'
import { plain } from '../format'
import { At, Labelled } from '../ui/bits'
import { Confirm } from '../ui/dialog'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'
import { useChange } from './change'
import { Secret } from './secret'

type Member = { id: string; secret?: string; name: string; role: string; project_id: string; created_at: string; updated_at: string }

const roles: Record<string, string> = { admin: 'everything', developer: 'reads all, writes feedback', viewer: 'reads traces, figures and costs', billing: 'reads costs' }

const Roles = () => <>{Object.entries(roles).map(([role, says]) => <option key={role} value={role} title={says}>{role}</option>)}</>

/** Who signs in by name. Another role holds at once, also where somebody is signed in. */
export function Members() {
  const [made, setMade] = useState<Member>()
  const [round, setRound] = useState(0)
  const members = useQuery({ queryKey: ['members'], queryFn: async () => (await ask<{ data: Member[] }>('/api/v1/members')).data })
  const add = useChange<unknown, Member>('members', (body) => ({ path: '/api/v1/members', body }), (member) => { setMade(member); setRound((n) => n + 1) })
  const change = useChange<{ id: string; body: unknown }, Member>('members', ({ id, body }) => ({ path: `/api/v1/members/${encodeURIComponent(id)}`, method: 'PUT', body }), (member) => { if (member.secret) setMade(member) })
  const remove = useChange<string>('members', (id) => ({ path: `/api/v1/members/${encodeURIComponent(id)}`, method: 'DELETE' }))
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    const form = new FormData(e.currentTarget)
    add.mutate({ name: form.get('name'), role: form.get('role') })
  }
  const failed = change.error ?? remove.error
  return (
    <>
      <Secret what={`secret of ${plain(made?.name ?? '')}`} text={made?.secret} />
      {failed && <p role="alert" className="mb-2 text-bad">{failed.message}</p>}
      <Of query={members} what="members">
        {(list) => list.length === 0 ? <Empty title="No members yet">Whoever is added here signs in with a name and a secret.</Empty> : (
          <Table
            label="Members" rows={list} keyOf={(m) => m.id}
            columns={[
              { name: 'Name', look: 'font-medium', draw: (m) => plain(m.name) },
              { name: 'Role', draw: (m) => <select className="field" aria-label={`Role of ${plain(m.name)}`} value={m.role} disabled={change.isPending} onChange={(e) => change.mutate({ id: m.id, body: { role: e.target.value } })}><Roles /></select> },
              { name: 'May', look: 'text-soft', draw: (m) => roles[m.role] },
              { name: 'Project', draw: (m) => plain(m.project_id) },
              { name: 'Added', look: 'whitespace-nowrap', draw: (m) => <At iso={m.created_at} /> },
              {
                name: '', draw: (m) => (
                  <div className="flex flex-wrap gap-2">
                    <Confirm trigger={<button type="button" className="button">New secret</button>} title={`A new secret for ${plain(m.name)}?`} act="Make it" go={() => change.mutate({ id: m.id, body: { renew_secret: true } })}>The old one stops working, and whoever is signed in with it is signed out.</Confirm>
                    <Confirm danger trigger={<button type="button" className="button danger">Remove</button>} title={`Remove ${plain(m.name)}?`} act="Remove" go={() => remove.mutate(m.id)}>Every session of theirs ends at once.</Confirm>
                  </div>
                ),
              },
            ]}
          />
        )}
      </Of>
      <form key={round} className="card mt-4 flex flex-wrap items-end gap-2 p-3" onSubmit={submit} aria-label="New member">
        <Labelled label="Name"><input className="field" name="name" required maxLength={255} /></Labelled>
        <Labelled label="Role"><select className="field" name="role" defaultValue="viewer"><Roles /></select></Labelled>
        <button type="submit" className="button primary" disabled={add.isPending}>Add</button>
        {add.error && <p role="alert" className="w-full text-bad">{add.error.message}</p>}
      </form>
    </>
  )
}
