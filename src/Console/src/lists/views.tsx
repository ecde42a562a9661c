import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Bookmark } from 'lucide-react'
import { ask } from '../api'
import { plain } from '../format'
import { useMay, useOffers } from '../shell'
import { Menu, MenuItem, MenuLabel } from '../ui/menu'
import { parse } from './filter'

type View = { id: string; name: string; rows?: string; query?: string; filter?: unknown }

/** Filters somebody gave a name. */
export function Views({ filter, rows, apply }: { filter: string; rows: string; apply: (filter: string) => void }) {
  const client = useQueryClient()
  const may = useMay('admin')
  const offered = useOffers('GET /api/v1/views')
  const views = useQuery({
    enabled: offered,
    queryKey: ['views'],
    queryFn: async () => { const said = await ask<View[] | { data?: View[]; items?: View[] }>('/api/v1/views'); return Array.isArray(said) ? said : (said.data ?? said.items ?? []) },
  })
  const shown = views.data?.filter((v) => !v.rows || v.rows === rows)
  async function keep() {
    const name = window.prompt('Name of the view')
    if (!name) return
    await ask('/api/v1/views', { body: { name, rows, query: filter, filter: parse(filter) } })
    await client.invalidateQueries({ queryKey: ['views'] })
  }
  return (
    <Menu label="Views" icon={<Bookmark size={14} aria-hidden />}>
      {!offered && <MenuLabel>This server keeps no views.</MenuLabel>}
      {views.error && <MenuLabel>{views.error.message}</MenuLabel>}
      {shown?.length === 0 && <MenuLabel>No view is saved yet.</MenuLabel>}
      {shown?.map((v) => <MenuItem key={v.id} act={() => apply(v.query ?? (typeof v.filter === 'string' ? v.filter : ''))}>{plain(v.name)}</MenuItem>)}
      {views.data && may && filter && <MenuItem act={() => void keep()}>Save this filter …</MenuItem>}
    </Menu>
  )
}
