import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { ask, type Page, type Row } from '../api'
import { compact, count, duration, percent, plain, usd } from '../format'
import { written } from '../lists/filter'
import { AsOf, useAsOf } from '../ui/as-of'
import { Heading, Segments } from '../ui/bits'
import { Chart, type Series } from '../ui/chart'
import { useParam, useTitle } from '../ui/hooks'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'
import { by, type Cell, cacheReads, firstTokens, type Overview as Figures, overviewOf, totalsOf, type Window } from './figures'
import { FirstRun } from './first-run'

const windows = [['1h', '1 h'], ['24h', '24 h'], ['7d', '7 d'], ['30d', '30 d']] as const
const dimensions = [['model', 'Model'], ['provider', 'Provider'], ['environment', 'Environment'], ['user', 'User']] as const

const overviewQuery = (window: string, asOf: string | undefined) => ({ queryKey: ['overview', window, asOf], queryFn: () => overviewOf(window as Window, asOf), refetchInterval: asOf ? false as const : 30_000 })

export function Overview() {
  useTitle('Overview')
  const any = useQuery({ queryKey: ['any-trace'], queryFn: () => ask<Page<Row>>('/api/v1/runs?limit=1'), staleTime: 60_000 })
  const asOf = useAsOf()
  const [window] = useParam('window', '24h')
  // Asked for at once, for whoever has traces.
  useQuery(overviewQuery(window, asOf))
  return <Of query={any} what="overview">{({ data }) => (data.length === 0 ? <FirstRun /> : <Dashboard />)}</Of>
}

function Dashboard() {
  const [window, setWindow] = useParam('window', '24h')
  const [zoom, setZoom] = useParam('zoom')
  const asOf = useAsOf()
  const figures = useQuery(overviewQuery(window, asOf))
  return (
    <>
      <Heading title="Overview" says="Requests to models. Drag over a chart to zoom, click a point for its traces.">
        {zoom && <button type="button" className="button" onClick={() => setZoom(undefined)}>Reset zoom</button>}
        <Segments label="Time" value={window} choices={windows} change={(w) => { setZoom(undefined); setWindow(w) }} />
        <AsOf />
      </Heading>
      <Of query={figures} what="overview">{(f) => <Charts figures={f} zoom={zoom} setZoom={setZoom} />}</Of>
    </>
  )
}

const tsFilter = (from: number, to: number) => `ts >= ${new Date(Math.floor(from) * 1000).toISOString()} ts < ${new Date(Math.ceil(to) * 1000).toISOString()}`

function Charts({ figures, zoom, setZoom }: { figures: Figures; zoom: string; setZoom: (zoom: string | undefined) => void }) {
  const navigate = useNavigate()
  const asOf = useAsOf()
  const parts = zoom.split('-').map(Number)
  const zoomed = parts.length === 2 && parts.every((n) => n > 0)
  const [from, to] = zoomed ? (parts as [number, number]) : [figures.from, figures.to]
  const shown = zoomed ? figures.now.filter((b) => Date.parse(b.timestamp) / 1000 + figures.width > from && Date.parse(b.timestamp) / 1000 < to) : figures.now
  const times = shown.map((b) => Date.parse(b.timestamp) / 1000)
  const first = useQuery({ queryKey: ['first-tokens', from, to, figures.width, asOf], queryFn: () => firstTokens(from, to, times, figures.width, asOf), staleTime: 60_000 })
  const reads = useQuery({ queryKey: ['cache-reads', from, to, figures.width, asOf], queryFn: () => cacheReads(from, to, figures.width, asOf), staleTime: 30_000 })
  const [totals, before] = [totalsOf(shown), !zoomed && figures.before ? totalsOf(figures.before) : null]

  const brush = (a: number, b: number) => setZoom(`${Math.floor(a)}-${Math.ceil(b)}`)
  const pick = (a: number, b: number) => void navigate({ to: '/traces', search: { q: tsFilter(a, b), as_of: asOf } as never })
  const chart = { times, brush, pick }
  const per = `per ${figures.width === 60 ? 'minute' : figures.width === 3_600 ? 'hour' : 'day'}`
  const done = (value: (b: (typeof shown)[number]) => number) => shown.map((b) => (b.request_count > b.error_count ? value(b) : null))
  const line = (name: string, values: (number | null)[], colour: string, format: Series['format'], fill = false): Series => ({ name, values, colour, format, fill })
  return (
    <div className="flex flex-col gap-3">
      <dl className="grid grid-cols-2 gap-2 sm:grid-cols-3 xl:grid-cols-6">
        <Tile name="Requests" value={count(totals.requests)} now={totals.requests} then={before?.requests} />
        <Tile name="Errors" value={`${count(totals.errors)} (${percent(totals.requests ? totals.errors / totals.requests : null)})`} now={totals.errors} then={before?.errors} lessIsGood />
        <Tile name="Mean latency" value={duration(totals.latency)} now={totals.latency} then={before?.latency} lessIsGood />
        <Tile name="Tokens" value={compact(totals.tokens)} now={totals.tokens} then={before?.tokens} />
        <Tile name={totals.unpriced ? `Cost (${compact(totals.unpriced)} unpriced)` : 'Cost'} value={usd(totals.cost)} now={totals.cost} then={before?.cost} lessIsGood />
        <Tile name="Prompt-cache reads" value={percent(reads.data?.total)} now={reads.data?.total ?? null} then={undefined} />
      </dl>
      <div className="grid gap-3 lg:grid-cols-2">
        <Chart title="Requests" unit={`requests ${per}`} {...chart} series={[line('requests', shown.map((b) => b.request_count), 'accent', count, true), line('errors', shown.map((b) => b.error_count), 'bad', count)]} />
        <Chart title="Latency" unit="ms, completed requests" {...chart} series={[line('p50', done((b) => b.p50_latency_ms), 'accent', duration), line('p95', done((b) => b.p95_latency_ms), 'warn', duration), line('p99', done((b) => b.p99_latency_ms), 'bad', duration)]} />
        <Chart title="Time to first token" unit="ms" {...chart} times={first.data?.p50.some((v) => v !== null) ? times : []} series={[line('p50', first.data?.p50 ?? [], 'accent', duration), line('p95', first.data?.p95 ?? [], 'warn', duration)]} />
        <Chart title="Tokens" unit={`tokens ${per}`} {...chart} series={[line('input', shown.map((b) => b.prompt_tokens), 'run', compact, true), line('output', shown.map((b) => b.completion_tokens), 'accent', compact)]} />
        <Chart title="Cost" unit={`USD ${per}`} {...chart} series={[line('cost', shown.map((b) => b.total_cost_cents / 100), 'accent', usd, true)]} />
        <Chart
          title="Cache hits" unit="%" {...chart}
          series={[
            line('prompt cache, of input tokens', figures.width >= 3_600 ? times.map((t) => reads.data?.shares.get(t) ?? null) : times.map(() => null), 'ok', percent, true),
            line('gateway, of requests', shown.map((b) => (b.request_count > 0 ? b.cache_hit_rate : null)), 'run', percent),
          ]}
        />
      </div>
      <Breakdown from={from} to={to} />
    </div>
  )
}

function Tile({ name, value, now, then, lessIsGood }: { name: string; value: string; now: number | null; then: number | null | undefined; lessIsGood?: boolean }) {
  const change = now != null && then != null && then !== 0 ? (now - then) / Math.abs(then) : null
  const tone = change === null || Math.abs(change) < 0.01 || lessIsGood === undefined ? 'text-soft' : change < 0 === lessIsGood ? 'text-ok' : 'text-bad'
  return (
    <div className="card min-w-0 p-3">
      <dt className="truncate text-xs text-soft" title={name}>{name}</dt>
      <dd className="truncate text-lg font-semibold tabular-nums">{value}</dd>
      <dd className={`text-xs ${tone}`}>{change === null ? 'no period before' : `${change >= 0 ? '+' : '−'}${percent(Math.abs(change))} on the period before`}</dd>
    </div>
  )
}

const total = (cells: Cell[]) => cells.reduce((n, c) => n + (c.cost ?? 0), 0)

function Breakdown({ from, to }: { from: number; to: number }) {
  const [dimension, setDimension] = useParam('by', 'model')
  const asOf = useAsOf()
  const cells = useQuery({ queryKey: ['by', dimension, Math.round(from / 60), Math.round(to / 60), asOf], queryFn: () => by(dimension, from, to, asOf) })
  const field = { model: 'model', provider: 'provider', environment: 'environment', user: 'user_id' }[dimension] ?? 'model'
  return (
    <section aria-label="Broken down" className="flex flex-col gap-2 pb-4">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="font-semibold">By {dimension}</h2>
        <Segments label="Break down by" value={dimension} choices={dimensions} change={setDimension} />
      </div>
      <Of query={cells} what="figures">
        {(list) => list.length === 0 ? <Empty title="Nothing in this time" /> : (
          <Table
            label={`Figures by ${dimension}`} rows={list.slice(0, 50)} keyOf={(c) => c.name}
            columns={[
              { name: dimension[0]!.toUpperCase() + dimension.slice(1), draw: (c) => <Link className="text-accent underline" to="/traces" search={{ q: `${field} = ${c.name === 'unknown' ? 'null' : written(c.name)} ${tsFilter(from, to)}`, as_of: asOf } as never}>{plain(c.name)}</Link> },
              { name: 'Requests', n: true, draw: (c) => count(c.requests) }, { name: 'Tokens', n: true, draw: (c) => count(c.tokens) },
              { name: 'Cost, USD', n: true, draw: (c) => <>{usd(c.cost)}{c.unpriced > 0 && <span className="text-xs text-warn"> +{count(c.unpriced)} unpriced</span>}</> },
              { name: 'Share of cost', n: true, draw: (c) => percent(c.cost != null && total(list) > 0 ? c.cost / total(list) : null) },
            ]}
          />
        )}
      </Of>
    </section>
  )
}
