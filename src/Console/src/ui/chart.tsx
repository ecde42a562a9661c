import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useEffect, useRef } from 'react'
import { useLatest } from './hooks'

export type Series = { name: string; values: (number | null)[]; colour: string; format: (n: number | null) => string; fill?: boolean }

type Props = {
  title: string; unit: string; times: number[]; series: Series[]; height?: number
  /** Seconds since 1970, from and to. */
  brush?: (from: number, to: number) => void
  pick?: (from: number, to: number) => void
  from?: number; to?: number
  /** Why there is nothing to draw, where something went wrong. */
  trouble?: Error | null
}

/** A mark of the time axis: the hour, and the day where a new one begins. */
function clock(at: number, before: number | undefined): string {
  const [now, was] = [new Date(at * 1000), before === undefined ? null : new Date(before * 1000)]
  const midnight = now.getHours() === 0 && now.getMinutes() === 0
  return midnight || (was && was.getDate() !== now.getDate())
    ? now.toLocaleDateString(undefined, { month: 'short', day: '2-digit' })
    : now.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false })
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

const alone = (values: (number | null)[]) => values.flatMap((v, i) => (v !== null && values[i - 1] == null && values[i + 1] == null ? [i] : []))

/** Figures over time: drag to zoom, click for what lies behind a point, all charts of a page under one cursor. */
export function Chart({ title, unit, times, series, height = 150, brush, pick, from, to, trouble }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const latest = useLatest({ brush, pick })
  const given = JSON.stringify([times, series.map((s) => [s.name, s.values]), from, to])

  useEffect(() => {
    const element = box.current
    if (!element || times.length === 0) return
    let plot: uPlot | undefined
    let ended = false
    const width = (times[1] ?? times[0]! + 3600) - times[0]!

    function draw() {
      if (ended || !element) return
      plot?.destroy()
      const few = times.length < 40
      const [ink, grid] = [colour('soft'), colour('line')]
      const font = '11px "Inter Variable", sans-serif'
      const axis = { stroke: ink, font, grid: { stroke: grid, width: 0.6 }, ticks: { stroke: grid, width: 0.6 } }
      plot = new uPlot(
        {
          width: Math.max(120, element.clientWidth), height,
          padding: [8, 10, 0, 0],
          cursor: { sync: { key: 'page' }, drag: { x: latest.current.brush !== undefined, y: false, setScale: false }, points: { size: 6 } },
          scales: { x: { time: true, range: (_, min, max) => [from ?? min, to ?? (max > min ? max : min + width)] }, y: { range: (_, min, max) => [Math.min(0, min ?? 0), (max ?? 0) > 0 ? max * 1.08 : 1] } },
          axes: [{ ...axis, size: 26, space: 64, values: (_, marks) => marks.map((m, i) => clock(m, marks[i - 1])) }, { ...axis, size: 62, space: 30, values: (_, marks) => marks.map((m) => series[0]!.format(m)) }],
          series: [
            { value: (_, t) => (t == null ? '' : new Date(t * 1000).toLocaleString(undefined, { month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', hour12: false })), label: 'Time' },
            ...series.map((s) => ({
              label: s.name, stroke: colour(s.colour), width: 1.6, fill: s.fill ? `${colour(s.colour)}22` : undefined, spanGaps: false,
              // A line needs two; one alone is drawn as a point.
              points: { show: few, size: 4, filter: few ? undefined : () => alone(s.values) }, value: (_: uPlot, v: number | null) => s.format(v),
            })),
          ],
          hooks: {
            setSelect: [(u) => {
              if (u.select.width < 4) return
              const [a, b] = [u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')]
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
              latest.current.brush?.(a, b)
            }],
            ready: [(u) => {
              let down = 0
              u.over.addEventListener('mousedown', (e) => { down = e.clientX })
              u.over.addEventListener('click', (e) => {
                const i = u.cursor.idx
                if (Math.abs(e.clientX - down) < 4 && i != null) latest.current.pick?.(times[i]!, times[i]! + width)
              })
            }],
          },
        },
        [times, ...series.map((s) => s.values)] as uPlot.AlignedData,
        element,
      )
    }

    draw()
    // A canvas draws with the font it has: once more when ours is there.
    const font = '11px "Inter Variable"'
    if (!document.fonts.check(font)) void document.fonts.load(font).then(draw)
    const sized = new ResizeObserver(() => plot?.setSize({ width: Math.max(120, element.clientWidth), height }))
    sized.observe(element)
    window.addEventListener('theme', draw)
    return () => {
      ended = true
      sized.disconnect()
      window.removeEventListener('theme', draw)
      plot?.destroy()
    }
  }, [given, height]) // eslint-disable-line react-hooks/exhaustive-deps

  const said = series.map((s) => `${s.name} ${s.format(s.values.findLast((v) => v !== null) ?? null)}`).join(', ')
  return (
    <figure className="card min-w-0 p-3" aria-label={`${title} in ${unit}, over time; last: ${said}`}>
      <figcaption className="mb-1 flex items-baseline justify-between gap-2"><span className="font-medium">{title}</span><span className="text-xs text-soft">{unit}</span></figcaption>
      {trouble ? <p role="alert" className="grid h-36 place-items-center text-bad">Could not be loaded: {trouble.message}</p> : times.length === 0 ? <p className="grid h-36 place-items-center text-soft">Nothing in this time</p> : <div ref={box} className={`min-w-0 overflow-hidden text-xs text-soft ${pick ? 'cursor-pointer' : ''}`} />}
    </figure>
  )
}
