import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ask } from '../api'
import { count, plain, usd, utcTime } from '../format'
import { useMay } from '../shell'
import { Labelled } from '../ui/bits'
import { Of } from '../ui/states'
import { Table } from '../ui/table'
import { useChange } from './change'

type Price = {
  provider?: string; model: string; valid_from: string; known_from: string; input_per_million_usd: number; output_per_million_usd: number; cache_read_per_million_usd?: number
  cache_write_5m_per_million_usd?: number; cache_write_1h_per_million_usd?: number; source: string
}
type Book = { prices: Price[]; repricing?: { traces_done: number; traces_total: number } | null }

const parts = [['input', 'Input', true], ['output', 'Output', true], ['cache_read', 'Cache read', false], ['cache_write_5m', 'Write, 5 min', false], ['cache_write_1h', 'Write, 1 h', false]] as const

export function Prices() {
  const may = useMay('admin')
  const [find, setFind] = useState('')
  const set = useChange<Partial<Price>>('prices', (price) => ({ path: '/api/v1/prices', method: 'PUT', body: [price] }))
  // A price stands in the book when all that it concerns is priced by it.
  const stands = (book: Book | undefined) => !set.isSuccess || book?.prices.some((p) => p.source === 'set' && p.model === set.variables.model && p.input_per_million_usd === set.variables.input_per_million_usd)
  const book = useQuery({ queryKey: ['prices'], queryFn: () => ask<Book>('/api/v1/prices'), refetchInterval: (q) => (q.state.data?.repricing || !stands(q.state.data) ? 500 : false) })
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    const form = new FormData(e.currentTarget)
    const from = new Date(String(form.get('valid_from')))
    set.mutate({
      model: String(form.get('model')), provider: String(form.get('provider')) || undefined, valid_from: from.toISOString(),
      ...Object.fromEntries(parts.map(([key]) => [`${key}_per_million_usd`, form.get(key) ? Number(form.get(key)) : undefined])),
    })
  }
  return (
    <Of query={book} what="prices">
      {({ prices, repricing }) => (
        <>
          {may && (
            <form className="card mb-3 flex flex-wrap items-end gap-2 p-3" onSubmit={submit} aria-label="Set a price">
              <Labelled label="Model"><input className="field" name="model" required maxLength={255} /></Labelled>
              <Labelled label="Provider"><input className="field w-28" name="provider" maxLength={255} placeholder="any" /></Labelled>
              <Labelled label="Valid from"><input className="field" name="valid_from" type="datetime-local" required defaultValue="2024-01-01T00:00" /></Labelled>
              {parts.map(([key, name, required]) => <Labelled key={key} label={`${name}, USD`}><input className="field w-28" name={key} type="number" min="0" max="1000000" step="0.000001" required={required} /></Labelled>)}
              <button type="submit" className="button primary" disabled={set.isPending}>Set, and re-price history</button>
              {set.error && <p role="alert" className="w-full text-bad">{set.error.message}</p>}
              {set.isSuccess && !repricing && stands(book.data) && <p role="status" className="w-full text-ok">Set; what it concerns was computed anew.</p>}
            </form>
          )}
          {repricing && <p role="status" className="mb-3"><progress className="w-60" max={repricing.traces_total} value={repricing.traces_done} aria-label="Re-pricing" /> {count(repricing.traces_done)} of {count(repricing.traces_total)} traces are priced anew</p>}
          <label className="mb-2 inline-flex"><span className="sr-only">Find a model</span><input className="field" type="search" placeholder="Find a model" value={find} onChange={(e) => setFind(e.target.value)} /></label>
          <Table
            label="Prices, USD per million tokens" rows={prices.filter((p) => p.model.toLowerCase().includes(find.toLowerCase()))}
            columns={[
              { name: 'Model', look: 'whitespace-nowrap', draw: (p) => plain(p.model) },
              { name: 'Provider', draw: (p) => <>{plain(p.provider ?? 'any')}{p.source === 'set' && <span className="ml-1 rounded bg-tint px-1 text-xs" title={`Set here, known from ${p.known_from}`}>set</span>}</> },
              { name: 'From (UTC)', look: 'whitespace-nowrap', draw: (p) => <time dateTime={p.valid_from} title={utcTime(p.valid_from)}>{p.valid_from.slice(0, 10)}</time> },
              ...parts.map(([key, name]) => ({ name, n: true, draw: (p: Price) => usd(p[`${key}_per_million_usd` as keyof Price] as number | undefined) })),
            ]}
          />
        </>
      )}
    </Of>
  )
}
