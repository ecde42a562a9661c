import { useSearch } from '@tanstack/react-router'
import { History, X } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { localTime } from '../format'
import { At, Labelled } from './bits'
import { Window } from './dialog'
import { useParam } from './hooks'

/** The time a page answers for: what was recorded up to then; undefined is now. It stands in the address, and links between pages carry it. */
export const useAsOf = (): string | undefined => (useSearch({ strict: false }) as Record<string, string | undefined>).as_of || undefined

/** What is now to a page, ms since 1970; the server reads times like now-1h as well, and counts from its own now. */
export const nowOf = (asOf: string | undefined): number => {
  const at = asOf ? Date.parse(asOf) : Number.NaN
  return Number.isNaN(at) ? Date.now() : at
}

const back = [[1, '1 hour ago'], [24, '1 day ago'], [168, '7 days ago']] as const
/** Of a field for a local time: 2026-11-12T14:03. */
const fieldOf = (ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16)

/** Chooses the time, and says which it is as long as it is not now. */
export function AsOf() {
  const [asOf, setAsOf] = useParam('as_of')
  const [open, setOpen] = useState(false)
  const set = (ms: number) => {
    setAsOf(new Date(ms).toISOString())
    setOpen(false)
  }
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault()
    set(Date.parse(String(new FormData(e.currentTarget).get('at'))))
  }
  return (
    <>
      <Window
        open={open} change={setOpen} title="As of a time" says="What this page would have shown then, from what was recorded up to then."
        trigger={<button type="button" className="button" data-on={asOf !== ''}><History size={14} aria-hidden />As of …</button>}
      >
        <form className="flex flex-col gap-3" onSubmit={submit}>
          <Labelled label="Time, local"><input className="field" type="datetime-local" name="at" required max={fieldOf(Date.now())} defaultValue={fieldOf(nowOf(asOf || undefined))} /></Labelled>
          <div className="flex flex-wrap gap-2">
            <button type="submit" className="button primary">Show</button>
            {back.map(([hours, says]) => <button key={hours} type="button" className="button" onClick={() => set(Date.now() - hours * 3_600_000)}>{says}</button>)}
          </div>
        </form>
      </Window>
      {asOf && (
        <p role="status" className="flex w-full items-center justify-between gap-2 rounded-md border border-warn bg-warn/10 px-3 py-1.5 text-warn">
          <span className="flex items-center gap-2"><History size={14} aria-hidden className="shrink-0" /><span>As of <b>{Number.isNaN(Date.parse(asOf)) ? asOf : <At iso={asOf} />}</b>: what was recorded later is not counted.</span></span>
          <button type="button" className="inline-flex items-center gap-1 underline" onClick={() => setAsOf(undefined)}><X size={13} aria-hidden />Back to now</button>
        </p>
      )}
    </>
  )
}

/** Said instead of emptiness: there may be something now. */
export const nothingThen = (asOf: string) => `Nothing had been recorded by ${Number.isNaN(Date.parse(asOf)) ? asOf : localTime(asOf)}.`
