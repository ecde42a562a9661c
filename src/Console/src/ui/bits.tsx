import { Check, Copy } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { ago, localTime, utcTime } from '../format'
import { useNow } from './hooks'

/** A moment: local on the page, UTC when pointed at. */
export function At({ iso, long, relative }: { iso: string | null | undefined; long?: boolean; relative?: boolean }) {
  const now = useNow(relative ? 10_000 : 3_600_000)
  if (!iso) return <>–</>
  return <time dateTime={iso} title={utcTime(iso)}>{relative ? ago(iso, now) : localTime(iso, long)}</time>
}

const tones: Record<string, string> = {
  success: 'text-ok', SUCCESS: 'text-ok', ok: 'text-ok', live: 'text-ok', active: 'text-ok', applied: 'text-ok', quiet: 'text-ok', resolved: 'text-ok', delivered: 'text-ok', done: 'text-ok',
  error: 'text-bad', ERROR: 'text-bad', failed: 'text-bad', stopped: 'text-bad', firing: 'text-bad', revoked: 'text-bad', expired: 'text-bad', parked: 'text-bad',
  warning: 'text-warn', retried: 'text-warn', slow: 'text-warn', rotated: 'text-warn', catching_up: 'text-warn', pending: 'text-warn', refused: 'text-bad',
  running: 'text-run', UNSET: 'text-run', rebuilding: 'text-run',
}

const words: Record<string, string> = { UNSET: 'running', SUCCESS: 'success', ERROR: 'error', catching_up: 'catching up' }

/** A status by colour and by word: neither alone. */
export function Status({ of, small }: { of: string; small?: boolean }) {
  const word = words[of] ?? of
  return (
    <span className={`inline-flex items-center gap-1.5 whitespace-nowrap ${tones[of] ?? 'text-soft'}`} title={small ? word : undefined}>
      <span aria-hidden className="size-2 shrink-0 rounded-full bg-current" />
      {small ? <span className="sr-only">{word}</span> : word}
    </span>
  )
}

export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

export function CopyButton({ text, label = 'Copy', bare }: { text: string | (() => string | Promise<string>); label?: string; bare?: boolean }) {
  const [done, setDone] = useState(false)
  const copy = async () => {
    await copyText(typeof text === 'string' ? text : await text())
    setDone(true)
    setTimeout(() => setDone(false), 1500)
  }
  return (
    <button type="button" className={bare ? 'rounded p-1 text-soft hover:bg-raised' : 'button'} onClick={() => void copy()} aria-label={bare ? label : undefined} title={bare ? label : undefined}>
      {done ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      {!bare && (done ? 'Copied' : label)}
    </button>
  )
}

export function Heading({ title, says, children }: { title: string; says?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex flex-wrap items-end justify-between gap-x-4 gap-y-2 pb-3">
      <div className="min-w-0">
        <h1 className="text-lg font-semibold break-words">{title}</h1>
        {says && <p className="text-soft">{says}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </header>
  )
}

/** A figure with its name. */
export function Figure({ name, children, hint }: { name: string; children: ReactNode; hint?: string }) {
  return (
    <div className="min-w-0" title={hint}>
      <dt className="text-xs text-soft">{name}</dt>
      <dd className="truncate font-medium tabular-nums">{children}</dd>
    </div>
  )
}

export function Labelled({ label, children, hint }: { label: string; children: ReactNode; hint?: string }) {
  return (
    <label className="flex min-w-0 flex-col gap-1">
      <span className="text-xs font-medium text-soft">{label}</span>
      {children}
      {hint && <span className="text-xs text-soft">{hint}</span>}
    </label>
  )
}

export function Segments<T extends string>({ label, value, choices, change }: { label: string; value: T; choices: readonly (readonly [T, string])[]; change: (value: T) => void }) {
  return (
    <div role="group" aria-label={label} className="inline-flex overflow-hidden rounded-md border border-line">
      {choices.map(([key, name]) => (
        <button
          key={key} type="button" aria-pressed={key === value} onClick={() => change(key)}
          className={`min-h-8 border-r border-line px-2.5 whitespace-nowrap last:border-r-0 -outline-offset-2 ${key === value ? 'bg-tint font-medium text-ink' : 'bg-panel text-soft hover:bg-raised'}`}
        >
          {name}
        </button>
      ))}
    </div>
  )
}
