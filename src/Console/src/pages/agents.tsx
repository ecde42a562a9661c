import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import { ask, at } from '../api'
import { count, plain, usd } from '../format'
import { written } from '../lists/filter'
import { JsonTree } from '../trace/json-tree'
import { At, Heading } from '../ui/bits'
import { useTitle } from '../ui/hooks'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'

type Version = { id: string; hash: string; metadata?: unknown; createdAt: string }
type Agent = { id: string; name: string; lastActive?: string; createdAt: string; latestVersion?: Version; traceCount: number; successPercentage: number }
type OneAgent = Omit<Agent, 'successPercentage'> & { successPercentage: Record<string, number>; traceCounts: Record<string, number>; versions: Version[] }
type User = { externalUserId?: string; traceCount: number; totalTokens: number; totalCost?: number; errorCount: number; lastActiveAt: string }

export function Agents() {
  useTitle('Agents')
  const agents = useQuery({ queryKey: ['agents'], queryFn: () => ask<{ agents: Agent[] }>('/api/entities?count=100') })
  return (
    <>
      <Heading title="Agents" says="Who runs, in which version, and how well." />
      <Of query={agents} what="agents">
        {({ agents: list }) => list.length === 0 ? <Empty title="No agent yet">An agent appears with its first event that names it.</Empty> : (
          <Table
            label="Agents" rows={list} keyOf={(a) => a.id}
            columns={[
              { name: 'Name', draw: (a) => <Link className="text-accent underline" to="/agents/$agentId" params={{ agentId: a.id } as never}>{plain(a.name)}</Link> },
              { name: 'Traces', n: true, draw: (a) => count(a.traceCount) }, { name: 'Success, % of events', n: true, draw: (a) => a.successPercentage.toFixed(1) },
              { name: 'Version', look: 'font-mono text-xs', draw: (a) => (a.latestVersion ? plain(a.latestVersion.hash).slice(0, 12) : '–') },
              { name: 'Last active', draw: (a) => <At iso={a.lastActive} /> }, { name: 'Since', draw: (a) => <At iso={a.createdAt} /> },
            ]}
          />
        )}
      </Of>
    </>
  )
}

export function AgentPage() {
  const { agentId } = useParams({ strict: false }) as { agentId: string }
  const agent = useQuery({ queryKey: ['agent', agentId], queryFn: () => ask<OneAgent>(at(`/api/entities/${encodeURIComponent(agentId)}`, { include: 'metadata', traceCountPeriod: 30, successRatePeriod: 30 })) })
  const users = useQuery({ queryKey: ['agent-users', agentId], queryFn: () => ask<{ users: User[] }>(`/api/entities/${encodeURIComponent(agentId)}/user-distribution?count=50`) })
  useTitle(agent.data?.name ?? 'Agent')
  return (
    <Of query={agent} what="agent">
      {(a) => {
        const days = Object.entries(a.traceCounts)
        const top = Math.max(1, ...days.map(([, n]) => n))
        return (
          <div className="flex flex-col gap-4">
            <div>
              <Link to="/agents" className="inline-flex items-center gap-1 text-xs text-soft"><ArrowLeft size={12} aria-hidden />Agents</Link>
              <Heading title={plain(a.name)} says={<>{count(a.traceCount)} traces, last active <At iso={a.lastActive} /></>}>
                <Link className="button" to="/runs" search={{ q: `service_name = ${written(a.name)}` } as never}>Its runs</Link>
              </Heading>
            </div>
            <figure className="card p-3">
              <figcaption className="mb-2 font-medium">Traces a day, and how many of their events went well</figcaption>
              <ol className="flex h-32 items-end gap-0.5" aria-label="Traces by day">
                {days.map(([day, n]) => (
                  <li key={day} className="flex h-full min-w-0 flex-1 flex-col justify-end" title={`${day}: ${count(n)} traces, ${a.successPercentage[day]?.toFixed(1) ?? '–'} % success`}>
                    <span className="sr-only">{day}: {n} traces</span>
                    <span aria-hidden className="rounded-t bg-accent" style={{ height: `${(n / top) * 100}%` }} />
                  </li>
                ))}
              </ol>
              <div className="mt-1 flex justify-between text-xs text-soft"><span>{days[0]?.[0]}</span><span>at most {count(top)} a day (UTC)</span><span>{days.at(-1)?.[0]}</span></div>
            </figure>
            <section aria-label="Versions">
              <h2 className="mb-2 font-semibold">Versions</h2>
              {a.versions.length === 0 ? <Empty title="No version was registered">The WhyOps SDK registers one with its prompt and its tools.</Empty> : (
                <ul className="flex flex-col gap-2">
                  {a.versions.map((v) => <li key={v.id} className="card p-3"><div className="mb-1 flex flex-wrap justify-between gap-2"><span className="font-mono text-xs break-all">{plain(v.hash)}</span><span className="text-xs text-soft"><At iso={v.createdAt} /></span></div><JsonTree value={v.metadata} open={1} /></li>)}
                </ul>
              )}
            </section>
            <section aria-label="Users">
              <h2 className="mb-2 font-semibold">Users</h2>
              <Of query={users} what="users">
                {({ users: list }) => list.length === 0 ? <Empty title="No user is known" /> : (
                  <Table
                    label="Users of the agent" rows={list}
                    columns={[
                      { name: 'User', draw: (u) => plain(u.externalUserId ?? 'unknown') }, { name: 'Traces', n: true, draw: (u) => count(u.traceCount) }, { name: 'Errors', n: true, draw: (u) => count(u.errorCount) },
                      { name: 'Tokens', n: true, draw: (u) => count(u.totalTokens) }, { name: 'Cost, USD', n: true, draw: (u) => usd(u.totalCost) }, { name: 'Last active', draw: (u) => <At iso={u.lastActiveAt} /> },
                    ]}
                  />
                )}
              </Of>
            </section>
          </div>
        )
      }}
    </Of>
  )
}
