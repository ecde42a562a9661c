import { useState } from 'react'
import { Labelled } from '../ui/bits'
import { useParam } from '../ui/hooks'
import { DoorList } from '../ui/listing'

/** Who did what; of one actor, of one kind of deed. */
export function Audit() {
  const [actor, setActor] = useParam('actor')
  const [action, setAction] = useParam('action')
  return (
    <>
      <div className="mb-3 flex flex-wrap items-end gap-2">
        <Narrow key={`a${action}`} label="Action" placeholder="key.create" value={action} set={setAction} />
        <Narrow key={`w${actor}`} label="Actor, id of a key or a member" value={actor} set={setActor} />
      </div>
      <DoorList
        door="/api/v1/audit" query={{ actor, action }} what="deeds" label="Audit" empty="Nobody did anything of this kind." members={['at', 'actor_name', 'action', 'target', 'outcome', 'address', 'actor', 'project_id']} only
        links={{ actor: (d) => ({ to: '/settings/$section', params: { section: 'audit' }, search: { actor: String(d.actor) } }), action: (d) => ({ to: '/settings/$section', params: { section: 'audit' }, search: { action: String(d.action) } }) }}
      />
    </>
  )
}

function Narrow({ label, value, set, placeholder }: { label: string; value: string; set: (value: string | undefined) => void; placeholder?: string }) {
  const [text, setText] = useState(value)
  return <form onSubmit={(e) => { e.preventDefault(); set(text.trim()) }}><Labelled label={label}><input className="field" type="search" value={text} placeholder={placeholder} onChange={(e) => { setText(e.target.value); if (!e.target.value) set(undefined) }} /></Labelled></form>
}
