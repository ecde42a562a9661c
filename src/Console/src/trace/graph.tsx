import { useMemo } from 'react'
import type { Tree } from '../api'
import { count, duration, line } from '../format'
import { every } from './spans'

const most = 500
const [width, height, gapX, gapY] = [190, 44, 46, 12]

/** Who called whom: columns by depth, a node a span. */
export function Graph({ tree, chosen, choose }: { tree: Tree; chosen: string | undefined; choose: (id: string) => void }) {
  const { nodes, size } = useMemo(() => {
    const nodes: { id: string; name: string; kind: string; status: string; took: number | null; x: number; y: number; parent?: { x: number; y: number } }[] = []
    const spots = new Map<string, { x: number; y: number }>()
    const above: string[] = []
    let row = 0
    let before = -1
    for (const { span, depth } of every(tree.spans)) {
      if (nodes.length === most) break
      if (depth <= before) row++
      before = depth
      above.length = depth
      const spot = { x: depth * (width + gapX) + 8, y: row * (height + gapY) + 8 }
      spots.set(span.span_id, spot)
      nodes.push({ id: span.span_id, name: span.name ?? span.kind, kind: span.kind, status: span.status, took: span.duration_ms, ...spot, parent: depth > 0 ? spots.get(above[depth - 1]!) : undefined })
      above[depth] = span.span_id
    }
    return { nodes, size: { w: Math.max(0, ...nodes.map((n) => n.x)) + width + 8, h: (row + 1) * (height + gapY) + 8 } }
  }, [tree])
  return (
    <div className="card min-h-0 flex-1 overflow-auto" tabIndex={0} role="region" aria-label="Graph of the spans">
      {tree.span_count > most && <p className="p-2 text-xs text-soft">The first {count(most)} of {count(tree.span_count)} spans.</p>}
      <svg width={size.w} height={size.h} role="group" aria-label="Spans and who called them">
        {nodes.map((n) => n.parent && (
          <path key={`${n.id}-in`} d={`M${n.parent.x + width} ${n.parent.y + height / 2} C${n.parent.x + width + gapX / 2} ${n.parent.y + height / 2} ${n.x - gapX / 2} ${n.y + height / 2} ${n.x} ${n.y + height / 2}`} className="fill-none stroke-soft/60" strokeWidth="1.5" />
        ))}
        {nodes.map((n) => (
          <g
            key={n.id} role="button" tabIndex={0} aria-pressed={n.id === chosen} className="cursor-pointer"
            onClick={() => choose(n.id)} onKeyDown={(e) => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); choose(n.id) } }}
          >
            <rect x={n.x} y={n.y} width={width} height={height} rx="6" className={`${n.id === chosen ? 'fill-tint stroke-accent' : n.status === 'error' ? 'fill-panel stroke-bad' : 'fill-panel stroke-line'}`} strokeWidth="1.5" />
            <text x={n.x + 10} y={n.y + 18} className="fill-ink text-[12px]">{line(n.name, 26)}</text>
            <text x={n.x + 10} y={n.y + 34} className="fill-soft text-[11px]">{line(n.kind, 16)} · {duration(n.took)}{n.status === 'error' && ' · error'}</text>
          </g>
        ))}
      </svg>
    </div>
  )
}
