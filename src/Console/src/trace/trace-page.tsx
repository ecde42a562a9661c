import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { ArrowLeft, Clipboard, History, Trash2 } from 'lucide-react'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { ask, askText, at, Refused, type Note, type Span, type Timeline, type Tree } from '../api'
import { count, duration, line, plain, usd } from '../format'
import { useMay, useOffers } from '../shell'
import { AsOf, nothingThen, useAsOf } from '../ui/as-of'
import { At, copyText, Figure, Segments, Status } from '../ui/bits'
import { Confirm } from '../ui/dialog'
import { useNarrow, useParam, useTitle } from '../ui/hooks'
import { useNews } from '../ui/live'
import { Menu, MenuItem } from '../ui/menu'
import { Failed, Loading, Missing } from '../ui/states'
import { Details, FactList, UsageTable } from './details'
import { Graph } from './graph'
import { Scores } from './scores'
import { Slider } from './slider'
import { changes, every, place } from './spans'
import { Waterfall } from './waterfall'

const factPage = 1_000
/** Above this, facts and differences are fetched only when they are asked for. */
const small = 5_000

export function TracePage() {
  const { traceId } = useParams({ strict: false }) as { traceId: string }
  // Another trace starts from the beginning: what was shut and fetched is its own.
  return <OneTrace key={traceId} traceId={traceId} />
}

function OneTrace({ traceId }: { traceId: string }) {
  useTitle(line(traceId, 60))
  const client = useQueryClient()
  const narrow = useNarrow()
  const door = `/api/v1/traces/${encodeURIComponent(traceId)}`
  const asOf = useAsOf()
  const tree = useQuery({ queryKey: ['tree', traceId, asOf], queryFn: ({ signal }) => ask<Tree>(asOf ? at(`${door}/state`, { as_of: asOf }) : `${door}/tree`, { signal }) })
  const [view, setView] = useParam('view', 'timeline')
  const [rev, setRev] = useParam('rev')
  const [chosen, setChosen] = useParam('span')
  const [shut, setShut] = useState<ReadonlySet<string>>(new Set())

  useNews(!asOf, (news) => {
    if (news.trace.trace_id !== traceId) return
    void client.invalidateQueries({ queryKey: ['tree', traceId] })
    void client.invalidateQueries({ queryKey: ['timeline', traceId] })
  })

  const now = tree.data
  const last = now?.revision ?? 0
  const replaying = rev !== ''
  const revision = Math.min(last, Math.max(0, Number.parseInt(rev, 10) || 0))
  const wanted = replaying || view === 'facts' || chosen !== '' || (now?.event_count ?? small) < small
  const timeline = useInfiniteQuery({
    queryKey: ['timeline', traceId],
    enabled: now !== undefined && wanted,
    initialPageParam: -1,
    queryFn: ({ pageParam, signal }) => ask<Timeline>(at(`${door}/timeline`, { after_revision: pageParam < 0 ? undefined : pageParam, limit: factPage }), { signal }),
    getNextPageParam: (page) => (page.has_more ? (page.items.at(-1)?.revision ?? undefined) : undefined),
  })
  useEffect(() => {
    if (timeline.hasNextPage && !timeline.isFetching) void timeline.fetchNextPage()
  }, [timeline])
  const facts = useMemo(() => timeline.data?.pages.flatMap((p) => p.items).filter((f) => f.revision <= last), [timeline.data, last])
  const late = useMemo(() => new Set((facts ?? []).filter((f) => f.late && f.span_id).map((f) => f.span_id!)), [facts])

  const stateAt = (n: number) => ({ queryKey: ['state', traceId, n], queryFn: ({ signal }: { signal: AbortSignal }) => ask<Tree>(at(`${door}/state`, { as_of_revision: n }), { signal }), staleTime: Number.POSITIVE_INFINITY, gcTime: 60_000 })
  const state = useQuery({ ...stateAt(revision), enabled: replaying && now !== undefined, placeholderData: keepPreviousData })
  const before = useQuery({ ...stateAt(revision - 1), enabled: replaying && revision > 0 && last < small, placeholderData: undefined })
  const shown = replaying ? state.data : now
  const changed = useMemo(
    () => (replaying && state.data && !state.isPlaceholderData && last < small && (revision === 0 || before.data) ? changes(revision === 0 ? undefined : before.data, state.data) : undefined),
    [replaying, state.data, state.isPlaceholderData, before.data, revision, last],
  )

  const rows = useMemo(() => (shown ? place(shown, shut) : []), [shown, shut])
  const span = useMemo((): Span | undefined => {
    if (!shown) return undefined
    for (const { span } of every(shown.spans)) if (span.span_id === chosen || (!chosen && (!narrow))) return span
    return undefined
  }, [shown, chosen, narrow])

  const go = useCallback((n: number) => setRev(String(n)), [setRev])
  const toggle = useCallback((id: string) => setShut((was) => { const next = new Set(was); if (!next.delete(id)) next.add(id); return next }), [])

  if (!now) {
    if (tree.error instanceof Refused && tree.error.status === 404) return <><AsOf /><Missing title="There is no such trace">{asOf ? nothingThen(asOf) : 'It is not in this project, or it is not there yet.'}</Missing></>
    return tree.error
      ? <Failed error={tree.error} what="trace" retry={() => void tree.refetch()} />
      : <Loading what="Loading the trace" />
  }
  const origin = window.location.origin
  const figures = shown ?? now
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-2">
      <header className="flex flex-wrap items-start justify-between gap-2">
        <div className="min-w-0">
          <Link to="/traces" search={{ as_of: asOf } as never} className="inline-flex items-center gap-1 text-xs text-soft hover:text-ink"><ArrowLeft size={12} aria-hidden />Traces</Link>
          <h1 className="font-mono text-base font-semibold break-all">{plain(traceId)}</h1>
        </div>
        <div className="flex flex-wrap gap-2">
          <Segments label="View" value={view} choices={[['timeline', 'Timeline'], ['graph', 'Graph'], ['facts', 'Facts']]} change={setView} />
          <button type="button" className="button" data-on={replaying} aria-pressed={replaying} onClick={() => setRev(replaying ? undefined : '0')}><History size={14} aria-hidden />Replay events</button>
          <Menu label="Copy" icon={<Clipboard size={14} aria-hidden />}>
            <MenuItem act={() => void copyText(`curl -H "Authorization: Bearer $HINDCAST_KEY" '${origin}${door.replace(/'/g, '%27')}/tree'`)}>as cURL</MenuItem>
            <MenuItem act={() => void copyText(JSON.stringify(now, null, 2))}>as JSON</MenuItem>
            <MenuItem act={() => void askText(`/api/visualize/${encodeURIComponent(traceId)}/mermaid`).then(copyText)}>as Mermaid</MenuItem>
          </Menu>
          {!asOf && <Erase traceId={traceId} door={door} />}
          <AsOf />
        </div>
      </header>
      <dl className="card grid grid-cols-2 md:grid-cols-[repeat(auto-fill,minmax(8.6rem,1fr))] gap-x-4 gap-y-2 px-3 py-2">
        <Figure name="Status"><Status of={figures.status} /></Figure>
        <Figure name="Started"><At iso={figures.started_at} /></Figure>
        <Figure name="Duration">{duration(figures.duration_ms)}</Figure>
        <Figure name="Spans">{count(figures.span_count)}</Figure>
        <Figure name="Events">{count(figures.event_count)}</Figure>
        <Figure name="Errors">{count(figures.error_count)}</Figure>
        <Figure name="Tokens" hint={`input ${count(figures.totals.tokens.input)}, cache read ${count(figures.totals.tokens.cache_read)}, cache write ${count(figures.totals.tokens.cache_write)}, output ${count(figures.totals.tokens.output)}`}>{count(figures.totals.tokens.total)}</Figure>
        <Figure name="Cost" hint={figures.totals.unpriced_calls ? `${figures.totals.unpriced_calls} calls have no known price` : undefined}>{usd(figures.totals.cost.total_usd)}{figures.totals.unpriced_calls > 0 && ' +?'}</Figure>
        {figures.agent && <Figure name="Agent">{plain(figures.agent)}</Figure>}
        {figures.user_id && <Figure name="User"><Link to="/traces" search={{ q: `user_id = "${figures.user_id.replace(/[\\"]/g, '\\$&')}"` } as never} className="text-accent underline">{plain(figures.user_id)}</Link></Figure>}
        {figures.session_id && <Figure name="Session"><Link to="/traces" search={{ q: `session_id = "${figures.session_id.replace(/[\\"]/g, '\\$&')}"` } as never} className="text-accent underline">{plain(figures.session_id)}</Link></Figure>}
        {figures.environment && <Figure name="Environment">{plain(figures.environment)}</Figure>}
      </dl>
      {replaying && <Slider revision={revision} last={last} facts={facts} go={go} leave={() => setRev(undefined)} busy={state.isFetching} />}
      {state.error && replaying && <Failed error={state.error} what="state" retry={() => void state.refetch()} />}
      <div className="grid min-h-[22rem] flex-1 gap-2 md:grid-cols-[minmax(0,1.35fr)_minmax(0,1fr)] lg:max-h-none">
        <div className="flex h-[26rem] min-h-0 min-w-0 flex-col md:h-auto">
          {view === 'facts' ? <div className="card min-h-0 flex-1 overflow-y-auto p-3" tabIndex={0} role="region" aria-label="Facts"><FactList facts={facts} /></div>
            : shown && rows.length === 0 ? <p className="card flex-1 p-8 text-center text-soft">No span existed yet.</p>
            : shown && view === 'graph' ? <Graph tree={shown} chosen={span?.span_id} choose={setChosen} />
            : shown ? <Waterfall tree={shown} rows={rows} chosen={span?.span_id} choose={setChosen} toggle={toggle} changed={changed} late={late} />
            : <Loading />}
        </div>
        <div className="flex min-h-0 min-w-0 flex-col gap-2 md:overflow-y-auto">
          {span ? <Details traceId={traceId} span={span} facts={facts} change={changed?.get(span.span_id)} />
            : (
              <section className="card p-3" aria-label="The whole trace">
                <h2 className="mb-2 font-semibold">The whole trace</h2>
                <UsageTable usage={figures.totals.tokens} cost={figures.totals.cost} />
              </section>
            )}
          <Scores traceId={traceId} notes={scoresOf(figures)} spanId={chosen || undefined} closed={asOf !== undefined} />
        </div>
      </div>
    </div>
  )
}

/** The contents of a trace are erased for good; that it was there stays in the log. */
function Erase({ traceId, door }: { traceId: string; door: string }) {
  const [may, offered] = [useMay('admin'), useOffers('DELETE /api/v1/traces/{traceId}')]
  const navigate = useNavigate()
  const [wrong, setWrong] = useState<string>()
  if (!may || !offered) return null
  const erase = async () => {
    try {
      await ask(door, { method: 'DELETE' })
      void navigate({ to: '/traces' } as never)
    } catch (e) {
      setWrong((e as Error).message)
    }
  }
  return (
    <>
      <Confirm danger trigger={<button type="button" className="button danger"><Trash2 size={14} aria-hidden />Erase</button>} title={`Erase ${line(traceId, 60)}?`} act="Erase" go={() => void erase()}>Its contents are destroyed for good, everywhere. This cannot be undone.</Confirm>
      {wrong && <p role="alert" className="text-bad">{wrong}</p>}
    </>
  )
}

const scoresOf = (tree: Tree): Note[] => [...tree.scores, ...[...every(tree.spans)].flatMap(({ span }) => span.events.filter((e) => e.type === 'score'))]
