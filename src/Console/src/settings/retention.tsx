import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { ask } from '../api'
import { count, counted } from '../format'
import { At, Figure, Labelled } from '../ui/bits'
import { Window } from '../ui/dialog'
import { Of } from '../ui/states'
import { useChange } from './change'

type State = { days?: number; traces: number; expired: number; needs_confirmation: boolean; sweep?: { began_at: string; running: boolean; held: number; gone: number; of: number } }

const door = '/api/v1/retention'
const kept = (days: number | null | undefined) => (days == null ? 'Everything is kept' : `Traces are kept for ${counted(days, 'day')}`)

export function Retention() {
  const state = useQuery({ queryKey: ['retention'], queryFn: () => ask<State>(door), refetchInterval: (q) => (q.state.data?.sweep?.running ? 700 : 30_000) })
  return <Of query={state} what="retention">{(s) => <Keeping state={s} />}</Of>
}

/** How long is set only after it was said what that lets go. */
function Keeping({ state }: { state: State }) {
  const [text, setText] = useState(String(state.days ?? ''))
  const [asked, setAsked] = useState<{ days: number | null; would: State }>()
  useEffect(() => setText(String(state.days ?? '')), [state.days])
  const look = useMutation({
    mutationFn: async (days: number | null) => ({ days, would: await ask<State>(`${door}?dry_run=true`, { method: 'PUT', body: { days } }) }),
    onSuccess: setAsked,
  })
  const put = useChange<{ days: number | null; confirm: boolean }>('retention', (body) => ({ path: door, method: 'PUT', body }), () => setAsked(undefined))
  const { sweep } = state
  return (
    <div className="flex flex-col gap-3">
      <dl className="card grid grid-cols-2 gap-3 p-3 md:grid-cols-4">
        <Figure name="In force">{kept(state.days)}</Figure>
        <Figure name="Traces">{count(state.traces)}</Figure>
        <Figure name="Older than that">{count(state.expired)}</Figure>
        {sweep && <Figure name={sweep.running ? 'Letting go' : 'Last let go'}>{sweep.held ? `${counted(sweep.held, 'trace')} wait for a yes` : <>{count(sweep.gone)} of {count(sweep.of)}, <At iso={sweep.began_at} /></>}</Figure>}
      </dl>
      {sweep?.running && <progress className="h-2 w-full" max={sweep.of || 1} value={sweep.gone} aria-label="Letting go of old traces" />}
      <form className="card flex flex-wrap items-end gap-2 p-3" aria-label="Set retention" onSubmit={(e) => { e.preventDefault(); look.mutate(text ? Number(text) : null) }}>
        <Labelled label="Keep traces for, days"><input className="field w-40" type="number" min="1" placeholder="for ever" value={text} onChange={(e) => setText(e.target.value)} /></Labelled>
        <button type="submit" className="button primary" disabled={look.isPending}>See what goes, and set …</button>
        <p className="w-full text-xs text-soft">Counted from the last fact of a trace.</p>
        {look.error && <p role="alert" className="w-full text-bad">{look.error.message}</p>}
      </form>
      <Window open={asked !== undefined} change={(open) => { if (!open) setAsked(undefined) }} title={`${kept(asked?.days)}?`}>
        {asked && (
          <div className="flex flex-col gap-4">
            <p>{asked.would.expired === 0 ? 'No trace is that old: nothing goes now.' : `${count(asked.would.expired)} of ${counted(asked.would.traces, 'trace')} would go, for good.`}</p>
            {put.error && <p role="alert" className="text-bad">{put.error.message}</p>}
            <div className="flex justify-end gap-2">
              <button type="button" className="button" onClick={() => setAsked(undefined)}>Leave it</button>
              <button type="button" className={`button ${asked.would.expired ? 'danger' : 'primary'}`} disabled={put.isPending} onClick={() => put.mutate({ days: asked.days, confirm: asked.would.needs_confirmation })}>{asked.would.expired ? `Let ${count(asked.would.expired)} go` : 'Set it'}</button>
            </div>
          </div>
        )}
      </Window>
    </div>
  )
}
