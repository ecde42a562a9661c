/** Numbers, money, durations and times as people read them. What is unknown is a dash, never 0. */

export const unknown = '–'

type Maybe = number | null | undefined

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

export const count = (n: Maybe) => (n == null ? unknown : whole.format(n))
export const compact = (n: Maybe) => (n == null ? unknown : Math.abs(n) < 10_000 ? whole.format(n) : short.format(n))

/** 1 trace, 2 traces. */
export const counted = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`

/** USD with as many digits as say something: $12.40, $0.0108, $0.000032. */
export function usd(n: Maybe): string {
  if (n == null) return unknown
  if (n === 0) return '$0'
  const size = Math.abs(n)
  const digits = size >= 1 ? 2 : Math.min(12, Math.max(2, 2 - Math.floor(Math.log10(size))))
  const text = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: digits }).format(size)
  return `${n < 0 ? '−' : ''}$${text}`
}

/** ms to 9 ms, 1.24 s, 3 min 05 s, 2 h 10 min. */
export function duration(ms: Maybe): string {
  if (ms == null) return unknown
  if (ms < 1) return ms === 0 ? '0 ms' : `${ms.toFixed(2)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_995) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 1440 ? `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min` : `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`
}

/** A share from 0 to 1. */
export function percent(share: Maybe): string {
  if (share == null) return unknown
  const p = share * 100
  return `${p === 0 || p === 100 ? p : p < 0.1 ? '<0.1' : p.toFixed(1)} %`
}

export function bytes(n: Maybe): string {
  if (n == null) return unknown
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let i = 0
  while (n >= 1024 && i < units.length - 1) [n, i] = [n / 1024, i + 1]
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`
}

const local = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
const near = new Intl.DateTimeFormat(undefined, { month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })

export const localTime = (iso: string, long = false) => (long ? local : near).format(new Date(iso))
export const utcTime = (iso: string) => `${new Date(iso).toISOString().replace('T', ' ').replace('Z', '')} UTC`

export function ago(iso: string, now: number): string {
  const seconds = Math.round((now - Date.parse(iso)) / 1000)
  if (seconds < 0) return 'in the future'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} days ago`
}

/**
 * Text of strangers, made to show what it is: control characters (a terminal's colours begin with one) and marks that turn the direction
 * of writing around become visible signs.
 */
export function plain(text: string): string {
  // biome-ignore lint: control characters are the point.
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f\u0080-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (c) => {
    const code = c.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '␡' : '�'
  })
}

/** One line of a text, for lists. */
export const line = (text: string, most = 300) => plain(text.length > most ? `${text.slice(0, most)}…` : text).replace(/\s+/g, ' ').trim()
