import { useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { type KeyboardEvent, memo, type MouseEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { at as pathOf, type Row } from '../api'
import { duration, line, usd } from '../format'
import { At, Status } from '../ui/bits'
import { useNarrow } from '../ui/hooks'
import { type Column, keyOf, statusOf, titleOf } from './columns'
import { Marked } from './marked'

export const addressOf = (row: Row, asOf?: string) => pathOf(`/app/traces/${encodeURIComponent(row.trace_id)}`, { span: row.span_id, as_of: asOf })

type Props = {
  rows: Row[]; columns: Column[]; words: string[]; sort: string; desc: boolean; sortBy: (field: string) => void
  more: boolean; fetching: boolean; fetchMore: () => void; label: string; asOf?: string
}

/** Rows as a table of which only what is seen is drawn; on a narrow screen each is two lines. */
export function RowList({ rows, columns, words, sort, desc, sortBy, more, fetching, fetchMore, label, asOf }: Props) {
  const narrow = useNarrow()
  const scroller = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState(-1)
  const navigate = useNavigate()
  const height = narrow ? 60 : 34
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 12 })
  const items = virtual.getVirtualItems()
  const end = items.at(-1)?.index ?? 0
  useEffect(() => virtual.measure(), [virtual, height])
  useEffect(() => {
    // Ask early: a page is there before its first row is seen.
    if (more && !fetching && end > rows.length - 600) fetchMore()
  }, [end, rows.length, more, fetching, fetchMore])

  // What comes in above does not push away what is being read.
  const top = useRef<string>(undefined)
  const length = useRef(0)
  const first = rows[0] && keyOf(rows[0])
  useLayoutEffect(() => {
    const element = scroller.current
    if (element && element.scrollTop > 0 && top.current && first !== top.current) {
      const moved = rows.findIndex((r) => keyOf(r) === top.current)
      if (moved > 0) element.scrollTop += moved * height
    }
    top.current = first
    length.current = rows.length
  }, [first, rows, height])

  function keyed(e: KeyboardEvent) {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 1)
    const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 }[e.key]
    if (to !== undefined) {
      const next = Math.max(0, Math.min(rows.length - 1, to))
      setAt(next)
      virtual.scrollToIndex(next)
    } else if (e.key === 'Enter' && rows[at]) void navigate({ href: addressOf(rows[at], asOf) } as never)
    else return
    e.preventDefault()
  }

  // The rows are plain links, for other windows; in this one the page is not loaded again.
  function followed(e: MouseEvent) {
    const link = (e.target as HTMLElement).closest('a')
    if (!link || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
    e.preventDefault()
    void navigate({ href: link.getAttribute('href')! } as never)
  }

  const widths = columns.map((c) => (c.grow ? `minmax(${c.width}px, 1fr)` : `${c.width}px`)).join(' ')
  return (
    <div
      ref={scroller} className="card min-h-0 flex-1 overflow-auto" role="table" aria-label={label} aria-rowcount={more ? -1 : rows.length} tabIndex={0} onKeyDown={keyed} onClick={followed}
      aria-describedby="list-keys" data-testid="rows"
    >
      <div className={narrow ? '' : 'min-w-max'}>
        <div role="rowgroup" className="sticky top-0 z-10">
          <div role="row" className={`border-b border-line bg-panel ${narrow ? 'sr-only' : 'grid'}`} style={narrow ? undefined : { gridTemplateColumns: widths }}>
            {columns.map((c) => (
              <div key={c.id} role="columnheader" aria-sort={sort === c.sort ? (desc ? 'descending' : 'ascending') : undefined} className={`px-2.5 py-1.5 text-xs font-semibold text-soft ${c.number ? 'text-right' : ''}`}>
                {c.sort ? (
                  <button type="button" tabIndex={narrow ? -1 : 0} className="inline-flex items-center gap-1 hover:text-ink" onClick={() => sortBy(c.sort!)}>
                    {c.name}
                    {sort === c.sort && (desc ? <ArrowDown size={12} aria-hidden /> : <ArrowUp size={12} aria-hidden />)}
                  </button>
                ) : c.name}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index]!
            return <Line key={keyOf(row)} row={row} index={item.index} start={item.start} height={height} widths={widths} columns={columns} words={words} narrow={narrow} chosen={item.index === at} asOf={asOf} />
          })}
        </div>
      </div>
      <p id="list-keys" className="sr-only">Arrow keys move, Enter opens.</p>
    </div>
  )
}

type LineProps = { row: Row; index: number; start: number; height: number; widths: string; columns: Column[]; words: string[]; narrow: boolean; chosen: boolean; asOf?: string }

const Line = memo(function Line({ row, index, start, height, widths, columns, words, narrow, chosen, asOf }: LineProps) {
  const where = { transform: `translateY(${start}px)`, height }
  const look = `absolute top-0 left-0 w-full border-b border-line ${chosen ? 'bg-tint' : 'hover:bg-raised'}`
  if (narrow)
    return (
      <div role="row" aria-rowindex={index + 2} style={where} className={look}>
        <div role="cell" className="h-full">
          <a href={addressOf(row, asOf)} tabIndex={-1} className="flex h-full flex-col justify-center gap-0.5 px-3">
            <span className="flex items-center gap-2"><Status of={statusOf(row)} small /><span className="truncate"><Marked text={line(titleOf(row))} words={words} /></span></span>
            <span className="flex justify-between gap-2 text-xs text-soft tabular-nums"><span className="whitespace-nowrap"><At iso={row.ts} /></span><span className="truncate">{line(row.model ?? '')}</span><span className="whitespace-nowrap">{duration(row.duration_ms)} · {usd(row.total_cost_usd)}</span></span>
          </a>
        </div>
      </div>
    )
  return (
    <div role="row" aria-rowindex={index + 2} style={{ ...where, gridTemplateColumns: widths }} className={`${look} grid items-center`}>
      {columns.map((c, i) => (
        <div key={c.id} role="cell" className={`truncate px-2.5 tabular-nums ${c.number ? 'text-right' : ''}`}>
          {i === 0 ? <a href={addressOf(row, asOf)} tabIndex={-1} className="after:absolute after:inset-0">{c.draw(row, words)}</a> : c.draw(row, words)}
        </div>
      ))}
    </div>
  )
})
