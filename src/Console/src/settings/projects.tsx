import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ask, at } from '../api'
import { useMay } from '../shell'
import { Labelled } from '../ui/bits'
import { ItemTable, itemsOf } from '../ui/listing'
import { Empty, Of } from '../ui/states'
import { useChange } from './change'
import { Secret } from './secret'

export function Projects() {
  const may = useMay('admin')
  const [made, setMade] = useState<string>()
  const projects = useQuery({ queryKey: ['projects'], queryFn: async () => itemsOf(await ask('/api/projects')) })
  const create = useChange<{ name: string; environment: string; description: string }, { api_key: { key: string } }>(
    'projects', (given) => ({ path: at('/api/projects', given), method: 'POST' }), ({ api_key }) => setMade(api_key.key),
  )
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    const form = new FormData(e.currentTarget)
    create.mutate({ name: String(form.get('name')), environment: String(form.get('environment')), description: String(form.get('description') ?? '') })
  }
  return (
    <>
      <Secret what="key of the project" text={made} />
      <Of query={projects} what="projects">{(list) => (list.length === 0 ? <Empty title="No projects yet" /> : <ItemTable items={list} label="Projects" members={['id', 'name', 'environment', 'description', 'created_at']} />)}</Of>
      {may && (
        <form className="card mt-4 flex flex-wrap items-end gap-2 p-3" onSubmit={submit} aria-label="New project">
          <Labelled label="Name"><input className="field" name="name" required maxLength={255} /></Labelled>
          <Labelled label="Environment"><input className="field" name="environment" required defaultValue="development" maxLength={64} /></Labelled>
          <Labelled label="Description"><input className="field" name="description" maxLength={255} /></Labelled>
          <button type="submit" className="button primary" disabled={create.isPending}>Make a project</button>
          {create.error && <p role="alert" className="w-full text-bad">{create.error.message}</p>}
        </form>
      )}
    </>
  )
}
