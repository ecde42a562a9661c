import { useQuery } from '@tanstack/react-query'
import { ask, at, type Page, type Row } from '../api'
import { count, localTime } from '../format'
import { parse } from '../lists/filter'
import { nowOf, useAsOf } from '../ui/as-of'

const bars = 24
const most = 1_000

/** How many spans a filter finds, over the time that is looked at: of the newest thousand of them. */
export function Trend({ filter, days }: { filter: string; days: number }) {
  const asOf = useAsOf()
  const rows = useQuery({
    queryKey: ['trend', filter, days, asOf], staleTime: 60_000,
    queryFn: () => ask<Page<Row>>(at('/api/v1/traces/search', { as_of: asOf }), {
      body: {
        filter: { operator: 'AND', filters: [parse(filter), { field: 'ts', operator: 'gte', value: new Date(nowOf(asOf) - days * 86_400_000).toISOString() }] },
        sort_by: 'ts', sort_desc: true, limit: most, fields: ['ts'],
      },
    }),
  })
  const end = nowOf(asOf)
  const start = end - days * 86_400_000
  const counts = Array.from({ length: bars }, () => 0)
  for (const { ts } of rows.data?.data ?? []) {
    const i = Math.floor(((Date.parse(ts) - start) / (end - start)) * bars)
    if (i >= 0 && i < bars) counts[i]!++
  }
  const top = Math.max(1, ...counts)
  return (
    <figure className="min-w-0">
      <svg viewBox={`0 0 ${bars * 8} 36`} className="h-9 w-full" role="img" aria-label={`${count(counts.reduce((a, b) => a + b, 0))} failures in ${days} days, at most ${top} in one of ${bars} parts`} preserveAspectRatio="none">
        <line x1="0" x2={bars * 8} y1="35.5" y2="35.5" className="stroke-line" />
        {counts.map((n, i) => n > 0 && <rect key={i} x={i * 8 + 1} width="6" y={35 - (n / top) * 33} height={(n / top) * 33} className="fill-bad"><title>{`${count(n)} from ${localTime(new Date(start + (i * (end - start)) / bars).toISOString())}`}</title></rect>)}
      </svg>
      <figcaption className="flex justify-between text-[11px] text-soft"><span>{days} d ago</span><span>up to {count(top)}{rows.data?.pagination.has_more && ', newest 1,000'}</span><span>{asOf ? 'then' : 'now'}</span></figcaption>
    </figure>
  )
}
