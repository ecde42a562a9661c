import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ask, type Note } from '../api'
import { plain } from '../format'
import { useMay, useOffers } from '../shell'
import { At, Labelled } from '../ui/bits'

type Score = { name?: unknown; value?: unknown; comment?: unknown; source?: unknown }

/** What people and programs thought of it, and a form to say so. */
export function Scores({ traceId, notes, spanId, closed }: { traceId: string; notes: Note[]; spanId?: string; closed?: boolean }) {
  const may = [useMay('ingest'), useOffers('POST /api/v1/traces/{traceId}/scores'), !closed].every(Boolean)
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  const [comment, setComment] = useState('')
  const say = useMutation({
    mutationFn: () => ask(`/api/v1/traces/${encodeURIComponent(traceId)}/scores`, { body: { name, value: Number(value), comment: comment || undefined, span_id: spanId } }),
    onSuccess: () => {
      setValue('')
      setComment('')
      return client.invalidateQueries({ queryKey: ['tree', traceId] })
    },
  })
  return (
    <section className="card p-3" aria-label="Scores">
      <h2 className="mb-2 font-semibold">Scores</h2>
      {notes.length === 0 ? <p className="text-soft">Nobody scored this yet.</p> : (
        <ul className="flex flex-col gap-1">
          {notes.map((n) => {
            const s = (n.data ?? {}) as Score
            const inner = (typeof s === 'object' && 'content' in s && typeof (s as { content?: unknown }).content === 'object' ? (s as { content: Score }).content : s) ?? {}
            return (
              <li key={n.event_id} className="flex flex-wrap gap-x-3">
                <b>{plain(String(inner.name ?? 'score'))}</b>
                <span className="tabular-nums">{plain(String(inner.value ?? '–'))}</span>
                {inner.comment != null && <span className="break-words text-soft">{plain(String(inner.comment))}</span>}
                <span className="text-xs text-soft"><At iso={n.at} /></span>
              </li>
            )
          })}
        </ul>
      )}
      {may && (
        <form className="mt-3 flex flex-wrap items-end gap-2" onSubmit={(e) => { e.preventDefault(); say.mutate() }}>
          <Labelled label="Name"><input className="field w-28" required maxLength={100} value={name} onChange={(e) => setName(e.target.value)} /></Labelled>
          <Labelled label="Value"><input className="field w-20" required type="number" step="any" value={value} onChange={(e) => setValue(e.target.value)} /></Labelled>
          <Labelled label="Comment"><input className="field w-40" value={comment} onChange={(e) => setComment(e.target.value)} /></Labelled>
          <button type="submit" className="button" disabled={say.isPending}>{spanId ? 'Score the span' : 'Score'}</button>
          {say.error && <p role="alert" className="w-full text-bad">{say.error.message}</p>}
        </form>
      )}
    </section>
  )
}
