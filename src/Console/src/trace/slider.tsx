import { Pause, Play, SkipBack, SkipForward, X } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { Fact } from '../api'
import { count, plain } from '../format'
import { At } from '../ui/bits'
import { useLatest } from '../ui/hooks'

const speeds = [1, 2, 5, 20]

/** Walks through the revisions of a trace, fact by fact: by hand, or by itself. */
export function Slider({ revision, last, facts, go, leave, busy }: { revision: number; last: number; facts: Fact[] | undefined; go: (revision: number) => void; leave: () => void; busy: boolean }) {
  const [playing, setPlaying] = useState(false)
  const [speed, setSpeed] = useState(2)
  const latest = useLatest({ revision, busy })
  useEffect(() => {
    if (!playing) return
    const timer = setInterval(() => {
      // Each state is seen before the next is asked for.
      if (latest.current.busy) return
      if (latest.current.revision >= last) setPlaying(false)
      else go(latest.current.revision + 1)
    }, 1000 / speed)
    return () => clearInterval(timer)
  }, [playing, speed, last, go, latest])

  const fact = facts?.[revision]?.revision === revision ? facts[revision] : facts?.find((f) => f.revision === revision)
  const play = () => {
    if (!playing && revision >= last) go(0)
    setPlaying(!playing)
  }
  return (
    <section aria-label="Replay" className="card flex flex-col gap-1 px-3 py-2" data-testid="replay">
      <div className="flex flex-wrap items-center gap-2">
        <div className="flex items-center">
          <Step label="First revision" act={() => go(0)} off={revision === 0}><SkipBack size={15} /></Step>
          <Step label="−1 revision" act={() => go(revision - 1)} off={revision === 0}>−1</Step>
          <button type="button" className="button primary mx-1" onClick={play} aria-label={playing ? 'Pause' : 'Play'}>{playing ? <Pause size={15} aria-hidden /> : <Play size={15} aria-hidden />}</button>
          <Step label="+1 revision" act={() => go(revision + 1)} off={revision >= last}>+1</Step>
          <Step label="Last revision" act={() => go(last)} off={revision >= last}><SkipForward size={15} /></Step>
        </div>
        <label className="inline-flex items-center gap-1 text-xs text-soft">
          Speed
          <select className="field" value={speed} onChange={(e) => setSpeed(Number(e.target.value))}>{speeds.map((s) => <option key={s} value={s}>{s} a second</option>)}</select>
        </label>
        <div className="relative min-w-40 flex-1">
          <input type="range" className="w-full accent-(--accent)" min={0} max={last} value={revision} onChange={(e) => go(Number(e.target.value))} aria-label="Revision" aria-valuetext={`Revision ${revision} of ${last}`} />
          {facts && last > 0 && last <= 2_000 && (
            <svg className="pointer-events-none absolute inset-x-2 -bottom-1 h-1.5 w-[calc(100%-1rem)]" aria-hidden>
              {facts.filter((f) => f.late).map((f) => <rect key={f.revision} x={`${(f.revision / last) * 100}%`} width="3" height="6" className="fill-warn" />)}
            </svg>
          )}
        </div>
        <button type="button" className="rounded p-1 text-soft hover:bg-raised" onClick={leave} aria-label="Leave the replay" title="Back to now"><X size={16} aria-hidden /></button>
      </div>
      <p className="flex min-h-5 flex-wrap gap-x-3 text-xs text-soft" aria-live="polite">
        <span className="font-medium text-ink tabular-nums">Revision {count(revision)} of {count(last)}</span>
        {fact && (
          <>
            <span><b className="text-ink">{plain(fact.type)}</b>{fact.span_id && <> on <span className="font-mono">{plain(fact.span_id).slice(0, 24)}</span></>}</span>
            <span>happened <At iso={fact.at} />, recorded <At iso={fact.recorded_at} /></span>
            {fact.late && <span className="font-medium text-warn">late</span>}
          </>
        )}
      </p>
    </section>
  )
}

function Step({ label, act, off, children }: { label: string; act: () => void; off: boolean; children: React.ReactNode }) {
  return <button type="button" className="min-h-8 rounded px-1.5 text-soft tabular-nums hover:bg-raised" onClick={act} disabled={off} aria-label={label} title={label}>{children}</button>
}
