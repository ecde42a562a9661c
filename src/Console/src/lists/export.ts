import type { Row } from '../api'

/** A cell that no spreadsheet takes for a formula: quoted, and with ' before what would begin one. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `"${(/^[=+\-@\t\r\n|%]/.test(text.trimStart()) || /^[\t\r\n]/.test(text) ? `'${text}` : text).replace(/"/g, '""')}"`
}

export const formats = { csv: 'text/csv', jsonl: 'application/x-ndjson', json: 'application/json' } as const
export type Format = keyof typeof formats

export function exported(rows: Row[], format: Format): string {
  if (format === 'json') return JSON.stringify(rows, null, 2)
  if (format === 'jsonl') return rows.map((r) => `${JSON.stringify(r)}\n`).join('')
  const names = [...new Set(rows.flatMap((r) => Object.keys(r)))]
  return [names.join(','), ...rows.map((r) => names.map((n) => cell(r[n as keyof Row])).join(','))].join('\r\n')
}

export function save(name: string, type: string, text: string) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
