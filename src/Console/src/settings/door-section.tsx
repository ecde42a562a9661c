import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ask, Refused } from '../api'
import { useMay, useOffers } from '../shell'
import { Confirm } from '../ui/dialog'
import { type Item, itemsOf, ItemTable } from '../ui/listing'
import { Empty, Missing, Of } from '../ui/states'

/** Settings behind a door that lists things and takes them as JSON, by POST or PUT, whichever it has. */
export function DoorSection({ door, what, example }: { door: string; what: string; example?: unknown }) {
  const { offers, method, ends } = { offers: useOffers(`GET ${door}`), method: [useOffers(`POST ${door}`) && 'POST', useOffers(`PUT ${door}`) && 'PUT'].find(Boolean) as string | undefined, ends: useOffers(`DELETE ${door}/{id}`) }
  const may = useMay('admin')
  const client = useQueryClient()
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState<string>()
  const [secret, setSecret] = useState<string>()
  const all = useQuery({ queryKey: ['settings', door], enabled: offers, queryFn: () => ask<unknown>(door) })
  if (!offers) return <Missing title={`No ${what} on this server`}>This version of the server does not offer them.</Missing>

  async function send(path: string, how: string, body?: unknown) {
    try {
      setSecret((await ask<Item | undefined>(path, { method: how, body }))?.secret as string | undefined)
      setWrong(undefined)
      setText('')
      await client.invalidateQueries({ queryKey: ['settings', door] })
    } catch (e) {
      setWrong(e instanceof Refused ? e.message : 'That is no JSON.')
    }
  }
  return (
    <div className="flex flex-col gap-4">
      <Of query={all} what={what}>
        {(said) => {
          const items = itemsOf(said)
          return items.length === 0 ? <Empty title={`No ${what} yet`} /> : (
            <ItemTable items={items} label={what} actions={ends && may ? (item: Item) => <Confirm danger trigger={<button type="button" className="button danger">Delete</button>} title="Delete it?" act="Delete" go={() => void send(`${door}/${encodeURIComponent(String(item.id))}`, 'DELETE')} /> : undefined} />
          )
        }}
      </Of>
      {method && may && (
        <form
          className="card flex flex-col gap-2 p-3" aria-label={`Change ${what}`}
          onSubmit={(e) => {
            e.preventDefault()
            try {
              void send(door, method, JSON.parse(text))
            } catch {
              setWrong('That is no JSON.')
            }
          }}
        >
          <label className="flex flex-col gap-1"><span className="text-xs font-medium text-soft">{method === 'PUT' ? 'Set' : 'Add'}, as JSON; <a className="text-accent underline" href="/docs">/docs</a> describes the members</span>
            <textarea className="field min-h-28 font-mono text-xs" value={text} onChange={(e) => setText(e.target.value)} placeholder={JSON.stringify(example ?? { name: '…' })} spellCheck={false} required />
          </label>
          {secret && <p role="status">Shown once, here: <code className="select-all font-mono">{secret}</code></p>}
          {wrong && <p role="alert" className="text-bad">{wrong}</p>}
          <div><button type="submit" className="button primary">{method === 'PUT' ? 'Set' : 'Add'}</button></div>
        </form>
      )}
    </div>
  )
}
