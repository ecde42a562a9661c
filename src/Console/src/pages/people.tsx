import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ask } from '../api'
import { count, counted, plain } from '../format'
import { written } from '../lists/filter'
import { useMay } from '../shell'
import { AsOf, useAsOf } from '../ui/as-of'
import { Heading } from '../ui/bits'
import { Confirm } from '../ui/dialog'
import { useTitle } from '../ui/hooks'
import { DoorList, type Item } from '../ui/listing'

const figures = ['error_count', 'total_tokens', 'total_cost_usd', 'unpriced_calls', 'feedback_count']
/** The traces of a row's session or user, at the time the list stands at. */
function useLinks() {
  const asOf = useAsOf()
  const tracesOf = (field: string) => (item: Item) => ({ to: '/traces', search: { q: `${field} = ${written(String(item[field]))}`, as_of: asOf } })
  return { session_id: tracesOf('session_id'), user_id: tracesOf('user_id') }
}

export function Sessions() {
  useTitle('Sessions')
  const links = useLinks()
  return (
    <>
      <Heading title="Sessions" says="Conversations: what belongs to one session or thread."><AsOf /></Heading>
      <DoorList door="/api/v1/sessions" what="sessions" label="Sessions" empty="Send a session_id with your events." only members={['session_id', 'user_id', 'user_count', 'started_at', 'last_at', 'trace_count', ...figures]} links={links} travels />
    </>
  )
}

export function Users() {
  useTitle('Users')
  const links = useLinks()
  const asOf = useAsOf()
  const may = useMay('admin')
  const [said, setSaid] = useState<string>()
  return (
    <>
      <Heading title="Users" says="The people behind the traces, with what they cost and what went wrong for them."><AsOf /></Heading>
      <p role="status" className="mb-2 empty:hidden">{said}</p>
      <DoorList
        door="/api/v1/users" what="users" label="Users" empty="Send a user_id with your events." only members={['user_id', 'first_at', 'last_at', 'trace_count', 'session_count', ...figures]} links={links} travels
        actions={may && !asOf ? (user) => <Erase id={String(user.user_id)} say={setSaid} /> : undefined}
      />
    </>
  )
}

type Erased = { traces: number; shared_traces: number; forgotten: boolean; scrubbed: boolean }

/** All that somebody said is made unreadable; that something was said stays in the log. */
function Erase({ id, say }: { id: string; say: (what: string) => void }) {
  const client = useQueryClient()
  const erase = async () => {
    try {
      const done = await ask<Erased>(`/api/v1/users/${encodeURIComponent(id)}`, { method: 'DELETE' })
      say(`${plain(id)} is erased: ${counted(done.traces, 'trace')}${done.shared_traces ? `, and their part in ${count(done.shared_traces)} more` : ''}${done.scrubbed ? ', from every file' : '; the files are being rewritten'}.`)
      await client.invalidateQueries()
    } catch (e) {
      say(`${plain(id)} could not be erased: ${(e as Error).message}`)
    }
  }
  return <Confirm danger trigger={<button type="button" className="button danger">Erase</button>} title={`Erase ${plain(id)}?`} act="Erase" go={() => void erase()}>All that they said is destroyed for good, everywhere. This cannot be undone.</Confirm>
}
