import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Bookmark } from 'lucide-react'
import { useState } from 'react'
import { ask } from '../api'
import { plain } from '../format'
import { useMay } from '../shell'
import { Labelled } from '../ui/bits'
import { Window } from '../ui/dialog'
import { Menu, MenuItem, MenuLabel } from '../ui/menu'
import { type Filter, parse, say } from './filter'

/** A filter with a name, with its columns and its order. */
export type View = { id: string; name: string; rows: 'traces' | 'spans'; query?: string; filter?: Filter; columns: string[]; sort_by: string; sort_desc: boolean; updated_at: string }
type Draft = Pick<View, 'rows' | 'query' | 'filter' | 'columns' | 'sort_by' | 'sort_desc'>

export const viewsOf = async () => (await ask<{ data: View[] }>('/api/v1/views')).data

/** Where in the list of traces a view is. */
export const addressOf = (v: Draft) => ({
  rows: v.rows === 'spans' ? 'spans' : undefined, q: v.query ?? (v.filter ? say(v.filter) : undefined), cols: v.columns.length ? v.columns.join(',') : undefined, sort: v.sort_by === 'ts' ? undefined : v.sort_by, order: v.sort_desc ? undefined : 'asc',
})

export function Views({ shown }: { shown: Draft }) {
  const navigate = useNavigate()
  const may = useMay('admin')
  const [open, setOpen] = useState(false)
  const views = useQuery({ queryKey: ['views'], queryFn: viewsOf })
  return (
    <>
      <Menu label="Views" icon={<Bookmark size={14} aria-hidden />}>
        {views.error && <MenuLabel>{views.error.message}</MenuLabel>}
        {views.data?.length === 0 && <MenuLabel>No view is saved yet.</MenuLabel>}
        {views.data?.map((v) => <MenuItem key={v.id} act={() => void navigate({ to: '/traces', search: addressOf(v) } as never)}>{plain(v.name)}</MenuItem>)}
        {may && <MenuItem act={() => setOpen(true)}>Save what is shown …</MenuItem>}
      </Menu>
      <Window open={open} change={setOpen} title="Save a view" says="The filter, the columns and the order, under a name."><Save shown={shown} done={() => setOpen(false)} /></Window>
    </>
  )
}

function Save({ shown, done }: { shown: Draft; done: () => void }) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const save = useMutation({
    mutationFn: async () => ask('/api/v1/views', { body: { ...shown, name, filter: parse(shown.query ?? '') ?? undefined } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['views'] })
      done()
    },
  })
  return (
    <form className="flex flex-col gap-3" onSubmit={(e) => { e.preventDefault(); save.mutate() }}>
      <Labelled label="Name"><input className="field" required maxLength={255} value={name} onChange={(e) => setName(e.target.value)} /></Labelled>
      {save.error && <p role="alert" className="text-bad">{save.error.message}</p>}
      <button type="submit" className="button primary" disabled={save.isPending}>Save</button>
    </form>
  )
}
