import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ask, at, type Page } from '../api'
import { count, line, plain } from '../format'
import { AsOf, nowOf, useAsOf } from '../ui/as-of'
import { At, Heading, Status } from '../ui/bits'
import { useParam, useTitle } from '../ui/hooks'
import { Empty, Of } from '../ui/states'
import { Trend } from './trend'

type Group = { id: string; category: string; kind: string; name?: string; message?: string; pattern?: string; first_seen: string; last_seen: string; count: number; affected_users: number; trace_id: string; span_id?: string }

const kinds = ['', 'failed', 'retried', 'warning', 'slow'] as const

/** The spans of a group, as a filter; null where the language cannot tell them from others. */
function spansOf(g: Group): string | null {
  const named = g.name ? ` span_name = "${g.name.replace(/[\\"]/g, '\\$&')}"` : ''
  const slow = g.category === 'slow' && /(\d+) ms/.exec(g.message ?? '')
  if (slow) return `duration_ms >= ${slow[1]}${named}`
  return g.message && ['failed', 'warning'].includes(g.category) ? `error_message contains "${g.message.slice(0, 120).replace(/[\\"]/g, '\\$&')}"` : null
}

export function Failures() {
  useTitle('Failures')
  const asOf = useAsOf()
  const [category, setCategory] = useParam('category')
  const [days, setDays] = useParam('days', '7')
  const groups = useInfiniteQuery({
    queryKey: ['failures', category, days, asOf],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => ask<Page<Group>>(at('/api/v1/failures/groups', { category, from: new Date(nowOf(asOf) - Number(days) * 86_400_000).toISOString(), cursor: pageParam, as_of: asOf })),
    getNextPageParam: (page) => (page.pagination.has_more ? (page.pagination.cursor ?? undefined) : undefined),
  })
  return (
    <>
      <Heading title="Failures" says="What goes wrong, grouped by what is alike.">
        <label><span className="sr-only">Kind</span>
          <select className="field" value={category} onChange={(e) => setCategory(e.target.value)}>{kinds.map((k) => <option key={k} value={k}>{k || 'every kind'}</option>)}</select>
        </label>
        <label><span className="sr-only">Time</span>
          <select className="field" value={days} onChange={(e) => setDays(e.target.value)}>{['1', '7', '30', '90'].map((d) => <option key={d} value={d}>{d === '1' ? 'last day' : `last ${d} days`}</option>)}</select>
        </label>
        <AsOf />
      </Heading>
      <Of query={groups} what="failures">
        {({ pages }) => {
          const all = pages.flatMap((p) => p.data)
          if (all.length === 0) return <Empty title="Nothing went wrong">No failure of this kind in this time.</Empty>
          return (
            <ul className="flex flex-col gap-2">
              {all.map((g) => ({ g, spans: spansOf(g) })).map(({ g, spans }) => (
                <li key={g.id} className="card grid gap-x-4 gap-y-2 p-3 md:grid-cols-[1fr_220px]">
                  <div className="min-w-0">
                    <div className="flex flex-wrap items-center gap-x-3 text-xs"><Status of={g.category} /><span className="text-soft">{plain(g.kind)}{g.name && ` · ${line(g.name, 80)}`}</span></div>
                    <p className="mt-1 break-words">{line(g.message ?? g.pattern ?? 'without a message', 400)}</p>
                    <div className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-xs text-soft">
                      <span><b className="text-ink tabular-nums">{count(g.count)}</b> {g.count === 1 ? 'time' : 'times'}</span>
                      <span>{count(g.affected_users)} {g.affected_users === 1 ? 'user' : 'users'}</span>
                      <span>first <At iso={g.first_seen} /></span>
                      <span>last <At iso={g.last_seen} /></span>
                      <Link to="/traces/$traceId" params={{ traceId: g.trace_id } as never} search={{ span: g.span_id, as_of: asOf } as never} className="text-accent underline">newest sample</Link>
                      {spans && <Link to="/traces" search={{ rows: 'spans', q: spans, as_of: asOf } as never} className="text-accent underline">all of them</Link>}
                    </div>
                  </div>
                  {spans && <Trend filter={spans} days={Number(days)} />}
                </li>
              ))}
              {groups.hasNextPage && <li><button type="button" className="button" onClick={() => void groups.fetchNextPage()} disabled={groups.isFetching}>More</button></li>}
            </ul>
          )
        }}
      </Of>
    </>
  )
}
