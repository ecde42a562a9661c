import { useVirtualizer } from '@tanstack/react-virtual'
import { Bot, ChevronDown, ChevronRight, Circle, Clock, CornerDownRight, Database, MessageSquare, Sparkles, TriangleAlert, Wrench } from 'lucide-react'
import { type KeyboardEvent, memo, type ReactNode, useEffect, useMemo, useRef } from 'react'
import type { Tree } from '../api'
import { duration, line, usd } from '../format'
import { useNarrow } from '../ui/hooks'
import { bounds, type Change, type Placed, ticks } from './spans'

const icons: Record<string, ReactNode> = {
  llm: <Sparkles size={13} />, tool: <Wrench size={13} />, embedding: <Database size={13} />, agent: <Bot size={13} />, user_message: <MessageSquare size={13} />, message: <MessageSquare size={13} />, retrieval: <Database size={13} />,
}
const fills: Record<string, string> = { llm: 'bg-accent', tool: 'bg-warn', embedding: 'bg-run', retrieval: 'bg-run', agent: 'bg-soft' }

type Props = {
  tree: Tree; rows: Placed[]; chosen: string | undefined; choose: (id: string) => void; toggle: (id: string) => void
  changed?: Map<string, Change>; late: ReadonlySet<string>
}

/** The tree of a trace and its timeline, one line a span, side by side; only what is seen is drawn. */
export function Waterfall({ tree, rows, chosen, choose, toggle, changed, late }: Props) {
  const narrow = useNarrow()
  const scroller = useRef<HTMLDivElement>(null)
  const height = 30
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 10 })
  const at = rows.findIndex((r) => r.span.span_id === chosen)
  const { start, end } = useMemo(() => bounds(tree), [tree])
  const marks = ticks(end - start, narrow ? 2 : 5)
  const columns = narrow ? '46% 1fr' : 'minmax(200px, 38%) 1fr'

  const first = useRef(true)
  useEffect(() => {
    // An address may name a span far below.
    if (first.current && at > 0) virtual.scrollToIndex(at, { align: 'center' })
    first.current = false
  }, [at, virtual])

  function keyed(e: KeyboardEvent) {
    const row = rows[at]
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 2)
    let to: number | undefined = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 }[e.key]
    if (row && e.key === 'ArrowRight' && row.span.children.length > 0) {
      if (row.open) to = at + 1
      else toggle(row.span.span_id)
    } else if (row && e.key === 'ArrowLeft') {
      if (row.open && row.span.children.length > 0) toggle(row.span.span_id)
      else for (to = at; to > 0 && rows[to]!.depth >= row.depth; ) to--
    } else if (to === undefined) return
    e.preventDefault()
    if (to !== undefined) {
      const next = Math.max(0, Math.min(rows.length - 1, to))
      choose(rows[next]!.span.span_id)
      virtual.scrollToIndex(next)
    }
  }

  return (
    <div ref={scroller} className="card min-h-0 flex-1 overflow-y-auto" data-testid="waterfall" tabIndex={0} role="tree" aria-label="Spans" aria-activedescendant={at >= 0 ? `span-${at}` : undefined} onKeyDown={keyed}>
      <div role="presentation" className="sticky top-0 z-10 grid border-b border-line bg-panel text-xs text-soft" style={{ gridTemplateColumns: columns }}>
        <div role="presentation" className="px-2.5 py-1 font-semibold">Span</div>
        <div role="presentation" className="relative h-6 overflow-hidden" aria-hidden>
          {marks.map((t, i) => {
            const share = t / (end - start)
            return <span key={t} className="absolute top-1 border-l border-line pl-1 whitespace-nowrap" style={{ left: `${share * 100}%`, display: share > (narrow ? 0.75 : 0.9) && i > 0 ? 'none' : undefined }}>{duration(t)}</span>
          })}
        </div>
      </div>
      <div role="presentation" className="relative" style={{ height: virtual.getTotalSize() }}>
        <div role="presentation" aria-hidden className="absolute inset-0 grid" style={{ gridTemplateColumns: columns }}>
          <div />
          <div className="relative overflow-hidden">{marks.map((t) => <span key={t} className="absolute inset-y-0 border-l border-line/50" style={{ left: `${(t / (end - start)) * 100}%` }} />)}</div>
        </div>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]!
          const id = row.span.span_id
          return (
            <Bar
              key={item.key} index={item.index} row={row} start={item.start} height={height} columns={columns} isChosen={item.index === at} choose={choose} toggle={toggle}
              change={changed?.get(id)} late={late.has(id)}
            />
          )
        })}
      </div>
    </div>
  )
}

type BarProps = {
  index: number; row: Placed; start: number; height: number; columns: string; isChosen: boolean; choose: (id: string) => void; toggle: (id: string) => void
  change?: Change; late: boolean
}

const Bar = memo(function Bar({ index, row, start, height, columns, isChosen, choose, toggle, change, late }: BarProps) {
  const { span, depth, from, to, open } = row
  const bad = span.status === 'error'
  const width = Math.max(to - from, 0)
  return (
    <div
      id={`span-${index}`} role="treeitem" aria-level={depth + 1} aria-selected={isChosen} aria-expanded={span.children.length ? open : undefined}
      className={`absolute top-0 left-0 grid w-full cursor-pointer items-center border-b border-line/60 ${isChosen ? 'bg-tint' : change ? 'bg-warn/10' : 'hover:bg-raised'}`}
      style={{ transform: `translateY(${start}px)`, height, gridTemplateColumns: columns }} onClick={() => choose(span.span_id)}
    >
      <div role="presentation" className="flex min-w-0 items-center gap-1.5 pr-2" style={{ paddingLeft: 6 + Math.min(depth, 12) * 14 }}>
        <span
          role="presentation" aria-hidden className="grid size-4 shrink-0 place-items-center text-soft"
          onClick={(e) => { if (span.children.length) { e.stopPropagation(); toggle(span.span_id) } }}
        >
          {span.children.length > 0 ? (open ? <ChevronDown size={14} /> : <ChevronRight size={14} />) : depth > 12 ? <CornerDownRight size={11} /> : null}
        </span>
        <span aria-hidden className={`shrink-0 ${bad ? 'text-bad' : 'text-soft'}`}>{bad ? <TriangleAlert size={13} /> : (icons[span.kind] ?? <Circle size={9} />)}</span>
        <span className={`truncate ${bad ? 'text-bad' : ''}`}>{line(span.name ?? span.kind, 120)}</span>
        {bad && <span className="sr-only">error</span>}
        {span.orphan && <span className="shrink-0 rounded bg-raised px-1 text-[10px] text-warn" title="The span it names as its parent is not in this trace">orphan</span>}
        {late && <span className="inline-flex shrink-0 items-center gap-0.5 rounded bg-raised px-1 text-[10px] text-warn" title="A fact of this span came late"><Clock size={9} aria-hidden />late</span>}
        {change && <span className="shrink-0 rounded bg-raised px-1 text-[10px] text-warn" title={change.members.join(', ')}>{change.what === 'added' ? 'new' : 'changed'}</span>}
      </div>
      <div role="presentation" className="relative h-full min-w-0 overflow-hidden pr-3">
        <span aria-hidden className={`absolute top-[9px] h-3 rounded-xs ${bad ? 'bg-bad' : (fills[span.kind] ?? 'bg-soft')} ${span.status === 'running' ? 'opacity-45' : 'opacity-85'}`} style={{ left: `${from * 100}%`, width: `max(3px, ${width * 100}%)` }} />
        <span
          className="absolute top-1/2 -translate-y-1/2 px-1.5 text-xs whitespace-nowrap text-soft tabular-nums"
          style={to < 0.72 ? { left: `${Math.max(to * 100, 0.5)}%` } : from > 0.3 ? { right: `${(1 - from) * 100}%` } : { right: 0, background: isChosen ? 'var(--tint)' : 'var(--panel)', borderRadius: 3 }}
        >
          {span.status === 'running' && !span.ended_at ? 'running' : duration(span.duration_ms)}
          {span.cost_usd != null && <span className="hidden sm:inline"> · {usd(span.cost_usd)}</span>}
        </span>
      </div>
    </div>
  )
})
