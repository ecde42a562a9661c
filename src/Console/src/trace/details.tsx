import { Tabs } from 'radix-ui'
import type { ReactNode } from 'react'
import type { Cost, Fact, Span, Tokens } from '../api'
import { count, duration, line, percent, plain, usd } from '../format'
import { At, CopyButton, Figure, Status } from '../ui/bits'
import { useParam } from '../ui/hooks'
import { Conversation } from './conversation'
import { JsonTree } from './json-tree'
import { Rerun } from './rerun'
import type { Change } from './spans'

/** Everything about one span. */
export function Details({ traceId, span, facts, change }: { traceId: string; span: Span; facts: Fact[] | undefined; change?: Change }) {
  const [tab, setTab] = useParam('tab', 'conversation')
  const own = facts?.filter((f) => f.span_id === span.span_id)
  const tabs: [string, string, ReactNode][] = [
    ['conversation', 'Conversation', <Conversation key="c" input={span.input} output={span.output} />],
    ['data', 'Data', (
      <div key="d" className="flex flex-col gap-3">
        <Block title="Input"><JsonTree value={span.input} /></Block>
        <Block title="Output"><JsonTree value={span.output} /></Block>
        <Block title="Attributes"><JsonTree value={span.attributes} /></Block>
        {span.events.length > 0 && <Block title="Events"><JsonTree value={span.events} open={1} /></Block>}
      </div>
    )],
    ['usage', 'Usage and cost', <UsageTable key="u" usage={span.usage} cost={span.cost} />],
    ['facts', `Facts${own ? ` (${count(own.length)})` : ''}`, <FactList key="f" facts={own} />],
    ...(span.kind === 'llm' ? [['rerun', 'Replay', <Rerun key={span.span_id} span={span} />] as [string, string, ReactNode]] : []),
  ]
  const shown = tabs.some(([key]) => key === tab) ? tab : 'conversation'
  return (
    <section aria-label="Span" className="card flex min-h-0 flex-col md:overflow-hidden">
      <header className="border-b border-line p-3">
        <div className="flex items-start justify-between gap-2">
          <h2 className="min-w-0 font-semibold break-words">{line(span.name ?? span.kind, 200)}</h2>
          <CopyButton bare label="Copy the span as JSON" text={() => JSON.stringify(span, null, 2)} />
        </div>
        {span.error && <p className="mt-1 break-words whitespace-pre-wrap text-bad">{plain(span.error)}</p>}
        {change && <p className="mt-1 text-xs text-warn">{change.what === 'added' ? 'New at this revision' : `Changed at this revision: ${change.members.join(', ')}`}</p>}
        <dl className="mt-2 grid grid-cols-[repeat(auto-fill,minmax(7.5rem,1fr))] gap-x-3 gap-y-2">
          <Figure name="Status"><Status of={span.status} /></Figure>
          <Figure name="Kind">{plain(span.kind)}</Figure>
          <Figure name="Duration">{duration(span.duration_ms)}</Figure>
          {span.ttft_ms != null && <Figure name="First token">{duration(span.ttft_ms)}</Figure>}
          {span.model && <Figure name="Model" hint={span.model}>{plain(span.model)}</Figure>}
          {span.provider && <Figure name="Provider">{plain(span.provider)}</Figure>}
          <Figure name="Started"><At iso={span.started_at} /></Figure>
          {span.usage && <Figure name="Tokens">{count(span.usage.total)}</Figure>}
          <Figure name="Cost">{usd(span.cost_usd)}</Figure>
          <Figure name="Span" hint={span.span_id}><span className="font-mono text-xs">{plain(span.span_id)}</span></Figure>
        </dl>
      </header>
      <Tabs.Root value={shown} onValueChange={setTab} className="flex min-h-0 flex-1 flex-col">
        <Tabs.List aria-label="About the span" className="flex overflow-x-auto border-b border-line px-1">
          {tabs.map(([key, name]) => (
            <Tabs.Trigger key={key} value={key} className="border-b-2 border-transparent px-2.5 py-1.5 whitespace-nowrap text-soft -outline-offset-2 data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink">{name}</Tabs.Trigger>
          ))}
        </Tabs.List>
        {tabs.map(([key, , body]) => <Tabs.Content key={key} value={key} className="min-h-0 flex-1 overflow-y-auto p-3 -outline-offset-2">{body}</Tabs.Content>)}
      </Tabs.Root>
      <span className="hidden" data-trace={traceId} />
    </section>
  )
}

const Block = ({ title, children }: { title: string; children: ReactNode }) => <section><h3 className="mb-1 text-xs font-semibold text-soft">{title}</h3>{children}</section>

/** Tokens and money part by part; the parts are disjoint and add up. */
export function UsageTable({ usage, cost }: { usage: Tokens | null; cost: Cost }) {
  if (!usage && cost.total_usd == null) return <p className="py-6 text-center text-soft">No usage was reported.</p>
  const rows: [string, number | null | undefined, number | null][] = [
    ['Input, uncached', usage?.input, cost.input_usd], ['Cache read', usage?.cache_read, cost.cache_read_usd],
    ['Cache write', usage?.cache_write, cost.cache_write_usd], ['Output', usage?.output, cost.output_usd],
  ]
  const total = usage?.total
  return (
    <table className="table" aria-label="Usage and cost">
      <thead><tr><th scope="col">Part</th><th scope="col" className="n">Tokens</th><th scope="col" className="n">Share</th><th scope="col" className="n">USD</th></tr></thead>
      <tbody>
        {rows.map(([name, n, money]) => <tr key={name}><td>{name}</td><td className="n">{count(n)}</td><td className="n">{percent(n != null && total ? n / total : null)}</td><td className="n">{usd(money)}</td></tr>)}
        <tr className="font-semibold"><td>Total</td><td className="n">{count(total)}</td><td /><td className="n">{usd(cost.total_usd)}</td></tr>
        {usage?.reasoning != null && <tr className="text-soft"><td>of the output, reasoning</td><td className="n">{count(usage.reasoning)}</td><td /><td /></tr>}
      </tbody>
    </table>
  )
}

/** Facts as they were recorded. */
export function FactList({ facts }: { facts: Fact[] | undefined }) {
  if (!facts) return <p className="py-6 text-center text-soft">Loading the facts …</p>
  if (facts.length === 0) return <p className="py-6 text-center text-soft">No fact speaks of this span alone.</p>
  return (
    <ol className="flex flex-col gap-3">
      {facts.slice(0, 200).map((f) => (
        <li key={f.revision}>
          <div className="mb-1 flex flex-wrap items-center gap-x-3 text-xs">
            <b>{plain(f.type)}</b>
            <span className="text-soft">revision {count(f.revision)}, position {count(f.position)}</span>
            <span className="text-soft"><At iso={f.at} />, recorded <At iso={f.recorded_at} /></span>
            <span className="text-soft">{plain(f.dialect)}</span>
            {f.late && <span className="text-warn">late</span>}
          </div>
          <JsonTree value={f.data} open={1} />
        </li>
      ))}
      {facts.length > 200 && <li className="text-soft">{count(facts.length - 200)} more; the timeline door gives them all.</li>}
    </ol>
  )
}
