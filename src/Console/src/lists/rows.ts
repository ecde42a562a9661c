import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { ask, at, type Page, type Row } from '../api'
import { nowOf } from '../ui/as-of'
import { useNews } from '../ui/live'
import { keyOf } from './columns'
import { type Filter, parse } from './filter'

export type Asked = { rows: 'traces' | 'spans'; filter: string; from: string; sort: string; desc: boolean; asOf?: string }

const first = 200
const further = 1_000
const spans = { h: 3_600_000, d: 86_400_000 }

const doorOf = (asked: Asked) => at(asked.rows === 'spans' ? '/api/v1/traces/search' : '/api/v1/runs/search', { as_of: asked.asOf })

/** Since when; `from` is a number of hours or days, or nothing at all. */
const sinceOf = ({ from, asOf }: Asked): Filter[] => {
  const m = /^(\d+)([hd])$/.exec(from)
  return m ? [{ field: 'ts', operator: 'gte', value: new Date(nowOf(asOf) - Number(m[1]) * spans[m[2] as 'h' | 'd']).toISOString() }] : []
}

const everything: Filter = { field: 'ts', operator: 'gte', value: '2000-01-01T00:00:00Z' }

/** What is asked for, with its beginning, as the doors take it. */
export function filterOf(asked: Asked, since = sinceOf(asked)): Filter {
  const written = parse(asked.filter)
  const parts = [...(written ? [written] : []), ...since]
  return parts.length === 0 ? everything : parts.length === 1 ? parts[0]! : { operator: 'AND', filters: parts }
}

const bodyOf = (asked: Asked, since: Filter[], limit: number, cursor?: string) => ({ filter: filterOf(asked, since), sort_by: asked.sort, sort_desc: asked.desc, limit, cursor })

/** The rows of a list, page behind page; live, the newest come by themselves. */
export function useRows(asked: Asked, live: boolean, paused: boolean) {
  const client = useQueryClient()
  const key = useMemo(() => ['rows', asked.rows, asked.filter, asked.from, asked.sort, asked.desc, asked.asOf], [asked.rows, asked.filter, asked.from, asked.sort, asked.desc, asked.asOf])
  // One query has one beginning, or its cursor would not fit.
  const since = useMemo(() => sinceOf(asked), key) // eslint-disable-line react-hooks/exhaustive-deps
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => ask<Page<Row>>(doorOf(asked), { body: bodyOf(asked, since, pageParam ? further : first, pageParam), signal, fresh: !pageParam }),
    getNextPageParam: (last) => (last.pagination.has_more ? (last.pagination.cursor ?? undefined) : undefined),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  })
  const rows = useMemo(() => query.data?.pages.flatMap((p) => p.data) ?? [], [query.data])

  const [waiting, setWaiting] = useState(0)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const catchUp = useCallback(async () => {
    timer.current = undefined
    let fresh: Page<Row>
    try {
      fresh = await ask<Page<Row>>(doorOf(asked), { body: bodyOf(asked, since, first), fresh: true })
    } catch {
      return
    }
    client.setQueryData<InfiniteData<Page<Row>, string | undefined>>(key, (before) => {
      if (!before) return before
      const changed = new Map(fresh.data.map((r) => [keyOf(r), r]))
      const known = new Set(before.pages.flatMap((p) => p.data.map(keyOf)))
      const pages = before.pages.map((p) => ({ ...p, data: p.data.map((r) => changed.get(keyOf(r)) ?? r) }))
      pages[0]!.data = [...fresh.data.filter((r) => !known.has(keyOf(r))), ...pages[0]!.data].sort((a, b) => (a.ts < b.ts ? 1 : a.ts > b.ts ? -1 : 0))
      return { ...before, pages }
    })
  }, [asked, client, key, since])

  const newestFirst = asked.sort === 'ts' && asked.desc
  useEffect(() => () => clearTimeout(timer.current), [catchUp])
  useEffect(() => {
    if (live && !paused && waiting > 0) {
      setWaiting(0)
      void catchUp()
    }
  }, [live, paused, waiting, catchUp])
  const soon = () => {
    timer.current ??= setTimeout(() => void catchUp(), 400)
  }
  useNews(live && newestFirst, () => (paused ? setWaiting((n) => n + 1) : soon()), () => !paused && soon())
  return { query, rows, waiting, newestFirst }
}

/** Every row that matches, page by page, at most this many. */
export async function allRows(asked: Asked, most: number, progress: (n: number) => void): Promise<Row[]> {
  const since = sinceOf(asked)
  const rows: Row[] = []
  let cursor: string | undefined
  do {
    const page = await ask<Page<Row>>(doorOf(asked), { body: bodyOf(asked, since, further, cursor) })
    rows.push(...page.data)
    progress(rows.length)
    cursor = page.pagination.has_more ? (page.pagination.cursor ?? undefined) : undefined
  } while (cursor && rows.length < most)
  return rows.slice(0, most)
}
