import { Columns3, Pause, Play, Radio } from 'lucide-react'
import { useMemo, useState } from 'react'
import { count, counted } from '../format'
import { FirstRun } from '../pages/first-run'
import { AsOf, nothingThen, useAsOf } from '../ui/as-of'
import { Heading, Segments } from '../ui/bits'
import { useParam, useTitle } from '../ui/hooks'
import { Menu, MenuCheck } from '../ui/menu'
import { Empty, Failed, Loading } from '../ui/states'
import { columns, usual } from './columns'
import { useExport } from './exporting'
import { FilterBar } from './filter-bar'
import { parse, wordsOf } from './filter'
import { RowList } from './row-list'
import { type Asked, useRows } from './rows'
import { Views } from './views'

const ranges = [['', 'All time'], ['1h', '1 h'], ['24h', '24 h'], ['7d', '7 d'], ['30d', '30 d']] as const

export const TracesPage = () => <ListPage name="Traces" set="traces" />
export const RunsPage = () => <ListPage name="Runs" set="runs" />

/** Whole traces or their spans: filtered, sorted, followed live, exported. Everything that says which stands in the address. */
function ListPage({ name, set }: { name: string; set: 'traces' | 'runs' }) {
  useTitle(name)
  const [kind, setKind] = useParam('rows', 'traces')
  const rowsOf = set === 'traces' && kind === 'spans' ? 'spans' : 'traces'
  const [filter, setFilter] = useParam('q')
  const [from, setFrom] = useParam('from')
  const [sort, setSort] = useParam('sort', 'ts')
  const [order, setOrder] = useParam('order', 'desc')
  const [chosen, setChosen] = useParam('cols', rowsOf === 'spans' ? usual.spans : usual[set])
  const asOf = useAsOf()
  const [wantsLive, setLive] = useState(true)
  // Nothing comes into the past.
  const live = wantsLive && !asOf
  const [paused, setPaused] = useState(false)

  const [asked, words, wrong] = useMemo((): [Asked, string[], string | undefined] => {
    const given: Asked = { rows: rowsOf, filter, from, sort, desc: order !== 'asc', asOf }
    try {
      return [given, wordsOf(parse(filter)), undefined]
    } catch (e) {
      return [{ ...given, filter: '' }, [], (e as Error).message]
    }
  }, [rowsOf, filter, from, sort, order, asOf])

  const { query, rows, waiting, newestFirst } = useRows(asked, live, paused)
  const exporting = useExport(name, asked)
  const shown = columns.filter((c) => chosen.split(',').includes(c.id) && (c.only === undefined || c.only === rowsOf))
  const known = useMemo(() => {
    const from = { model: 'model', provider: 'provider', environment: 'environment', user_id: 'user_id', session_id: 'session_id', trace_id: 'trace_id', span_name: 'span_name' } as const
    return (field: string) => {
      const member = field === 'service_name' ? (rowsOf === 'spans' ? 'service_name' : 'agent') : from[field as keyof typeof from]
      if (!member) return field === 'operation_type' ? ['llm', 'tool', 'embedding', 'agent'] : []
      return [...new Set(rows.slice(0, 2_000).map((r) => r[member]).filter((v): v is string => !!v))].slice(0, 50)
    }
  }, [rows, rowsOf])

  const nouns = rowsOf === 'spans' ? 'spans' : name.toLowerCase()

  function sortBy(field: string) {
    if (field === sort) setOrder(order === 'desc' ? 'asc' : 'desc')
    else setSort(field)
  }

  // A project without a single trace: show how the first one comes in.
  if (!filter && !from && !asOf && query.data && rows.length === 0) return <FirstRun />
  return (
    <div className="flex min-h-[26rem] flex-1 flex-col gap-2">
      <Heading title={name}>
        {set === 'traces' && <Segments label="Rows" value={rowsOf} choices={[['traces', 'Traces'], ['spans', 'Spans']]} change={setKind} />}
        <label className="inline-flex">
          <span className="sr-only">Time</span>
          <select className="field" value={from} onChange={(e) => setFrom(e.target.value)}>
            {ranges.map(([key, said]) => <option key={key} value={key}>{said}</option>)}
          </select>
        </label>
        {newestFirst && !asOf && (
          <>
            <button type="button" className="button" aria-pressed={live} data-on={live} onClick={() => setLive(!live)}><Radio size={14} aria-hidden />Live</button>
            {live && (
              <button type="button" className="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
                {paused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
                {paused ? `Resume${waiting ? ` (${count(waiting)} new)` : ''}` : 'Pause'}
              </button>
            )}
          </>
        )}
        <Menu label="Columns" icon={<Columns3 size={14} aria-hidden />}>
          {columns.filter((c) => c.only === undefined || c.only === rowsOf).map((c) => {
            const on = chosen.split(',').includes(c.id)
            return <MenuCheck key={c.id} on={on} act={() => setChosen(on ? chosen.split(',').filter((x) => x !== c.id).join(',') : `${chosen},${c.id}`)}>{c.name}</MenuCheck>
          })}
        </Menu>
        <Views shown={{ rows: rowsOf, query: filter || undefined, columns: shown.map((c) => c.id), sort_by: sort, sort_desc: order !== 'asc' }} />
        {exporting.menu}
        <AsOf />
      </Heading>
      <div className="flex flex-wrap items-start gap-2">
        <FilterBar value={filter} apply={setFilter} rows={rowsOf} known={known} />
      </div>
      <p role="status" className="flex flex-wrap justify-between gap-x-4 text-xs text-soft">
        <span>{wrong ?? (query.data ? query.hasNextPage ? `${count(rows.length)}+ ${nouns}` : counted(rows.length, nouns.slice(0, -1)) : '')}{query.isFetchingNextPage && ', loading more …'}</span>
        <span>{exporting.progress}</span>
      </p>
      {query.data === undefined && (query.error ? <Failed error={query.error} what={name.toLowerCase()} retry={() => void query.refetch()} /> : <Loading what={`Loading ${name.toLowerCase()}`} />)}
      {query.data && rows.length === 0 && <Empty title="Nothing matches">{asOf && !filter && !from ? nothingThen(asOf) : 'Widen the time or loosen the filter.'}</Empty>}
      {rows.length > 0 && (
        <RowList
          rows={rows} columns={shown} words={words} sort={sort} desc={order !== 'asc'} sortBy={sortBy} label={name} asOf={asOf}
          more={query.hasNextPage} fetching={query.isFetching} fetchMore={() => void query.fetchNextPage()}
        />
      )}
    </div>
  )
}
