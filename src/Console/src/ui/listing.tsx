import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { ask, at, type Page } from '../api'
import { count, duration, line, usd } from '../format'
import { useOffers } from '../shell'
import { nothingThen, useAsOf } from './as-of'
import { At, Status } from './bits'
import { Empty, Missing, Of } from './states'
import { type Col, Table } from './table'

export type Item = Record<string, unknown>

/** Lists come bare, or in one of the envelopes the dialects have. */
export function itemsOf(said: unknown): Item[] {
  if (Array.isArray(said)) return said as Item[]
  if (typeof said !== 'object' || said === null) return []
  for (const name of ['data', 'items', 'rules', 'alerts', 'members', 'sources', 'entries']) if (name in said && typeof (said as Item)[name] === 'object') return itemsOf((said as Item)[name])
  return [said as Item]
}

const titles: Record<string, string> = {
  ts: 'Time', id: 'Id', usd: 'USD', trace_count: 'Traces', session_count: 'Sessions', user_count: 'Users', error_count: 'Errors', feedback_count: 'Feedback', unpriced_calls: 'Unpriced', total_tokens: 'Tokens', total_cost_usd: 'Cost, USD', span_name: 'Event', input_text: 'Properties',
}
const title = (key: string) => titles[key] ?? key.replace(/_(usd|ms|at|id)$/, (_, unit: string) => ({ usd: ', USD', ms: '', at: '', id: '' })[unit] ?? '').replace(/_/g, ' ').replace(/^./, (c) => c.toUpperCase())
const isTime = (key: string, value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && /(^ts$|_at$|^at$|_seen$|activity|timestamp|^from$|^to$|_until$|_from$|^last|^first|_active)/.test(key)

/** A value by what its name says it is. */
export function Value({ name, value }: { name: string; value: unknown }): ReactNode {
  if (value === null || value === undefined || value === '') return '–'
  if (isTime(name, value)) return <At iso={value as string} />
  if (typeof value === 'number') return /usd|cost/.test(name) ? usd(value) : /_ms$|latency/.test(name) ? duration(value) : Number.isInteger(value) ? count(value) : value.toFixed(2)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (name === 'status' || name === 'state') return <Status of={String(value)} />
  if (typeof value === 'object') return <code className="text-xs break-all">{line(JSON.stringify(value), 200)}</code>
  return line(String(value), 200)
}

export type Listed = {
  label: string
  /** Which members, in this order; those that no row has are left out. */
  members?: string[]
  /** Those members and no others. */
  only?: boolean
  links?: Record<string, (item: Item) => { to: string; search?: Record<string, string | undefined>; params?: Record<string, string> }>
  actions?: (item: Item) => ReactNode
}

export function ItemTable({ items, label, members, only, links, actions }: Listed & { items: Item[] }) {
  const there = [...new Set(items.slice(0, 100).flatMap((i) => Object.keys(i).filter((k) => i[k] !== null)))]
  const shown = (members ? [...members.filter((m) => there.includes(m)), ...there.filter((k) => !only && !members.includes(k) && typeof items[0]?.[k] !== 'object')] : there).slice(0, 12)
  const column = (key: string): Col<Item> => ({
    name: title(key), n: items.some((i) => typeof i[key] === 'number'), look: items.some((i) => isTime(key, i[key])) ? 'whitespace-nowrap' : 'max-w-80 [overflow-wrap:anywhere]',
    draw: (item) => {
      const link = item[key] != null ? links?.[key]?.(item) : undefined
      const value = <Value name={key} value={item[key]} />
      return link ? <Link {...(link as { to: '/traces' })} className="text-accent underline">{value}</Link> : value
    },
  })
  const columns = [...shown.map(column), ...(actions ? [{ name: '', draw: (item: Item) => <div className="flex justify-end gap-2">{actions(item)}</div> }] : [])]
  return <Table label={label} rows={items} columns={columns} />
}

/** A door's list, page behind page. */
export function DoorList({ door, query: given = {}, what, empty, travels, ...listed }: Listed & { door: string; query?: Record<string, string | undefined>; what: string; empty: ReactNode; travels?: boolean }) {
  const asOf = useAsOf()
  const query = travels ? { ...given, as_of: asOf } : given
  const offered = useOffers(`GET ${door}`)
  const list = useInfiniteQuery({
    queryKey: ['door', door, query],
    enabled: offered,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => ask<Partial<Page<Item>> & object>(at(door, { ...query, cursor: pageParam })),
    getNextPageParam: (page) => (page.pagination?.has_more ? (page.pagination.cursor ?? undefined) : undefined),
  })
  if (!offered) return <Missing title={`No ${what} on this server`}>This version of the server does not offer them.</Missing>
  return (
    <Of query={list} what={what}>
      {({ pages }) => {
        const items = pages.flatMap(itemsOf)
        if (items.length === 0) return travels && asOf ? <Empty title={`No ${what} then`}>{nothingThen(asOf)}</Empty> : <Empty title={`No ${what} yet`}>{empty}</Empty>
        return (
          <div className="flex flex-col gap-2">
            <ItemTable items={items} {...listed} />
            {list.hasNextPage && <div><button type="button" className="button" disabled={list.isFetching} onClick={() => void list.fetchNextPage()}>More</button></div>}
          </div>
        )
      }}
    </Of>
  )
}
