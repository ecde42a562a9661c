import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Tabs } from 'radix-ui'
import { useCallback, useEffect, useRef } from 'react'
import { ask, type Page, type Row } from '../api'
import type { Key } from '../settings/keys'
import { useMay, useSession } from '../shell'
import { CopyButton, Heading } from '../ui/bits'
import { useTitle } from '../ui/hooks'
import { useNews } from '../ui/live'

type Made = { id: string; key: string }

/** Where the key of an empty project is kept, for all windows of this browser, until the first trace has come. */
const keptKey = 'hindcast-first-key'

/** A key that may only write and call models, made once; null for those who may make none. */
function useWritingKey(wanted: boolean) {
  const may = useMay('admin')
  const { project_id } = useSession()
  return useQuery({
    queryKey: ['first-key', project_id],
    enabled: may && wanted,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const before = JSON.parse(localStorage.getItem(keptKey) ?? 'null') as Made | null
      // Another server may stand at this address now, and a key may have been revoked.
      if (before && (await ask<Key[]>('/api/v1/keys')).some((k) => k.id === before.id && k.project_id === project_id && k.status === 'active')) return before.key
      const { id, key } = await ask<Made>('/api/v1/keys', { body: { name: 'First run', scopes: ['ingest', 'gateway'] } })
      localStorage.setItem(keptKey, JSON.stringify({ id, key }))
      return key
    },
  })
}

function snippets(origin: string, key: string): [string, string, string][] {
  return [
    ['curl', 'curl', `curl -X POST ${origin}/api/v1/events \\
  -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\
  -d '[{"type":"llm_response","trace_id":"hello","name":"greeting","content":"Hello, Hindcast!"}]'`],
    ['dotnet', '.NET', `using var http = new HttpClient { BaseAddress = new("${origin}") };
http.DefaultRequestHeaders.Authorization = new("Bearer", "${key}");
await http.PostAsJsonAsync("/api/v1/events", new[] { new { type = "llm_response", trace_id = "hello", name = "greeting", content = "Hello, Hindcast!" } });`],
    ['python', 'Python', `import json, urllib.request
event = [{"type": "llm_response", "trace_id": "hello", "name": "greeting", "content": "Hello, Hindcast!"}]
urllib.request.urlopen(urllib.request.Request("${origin}/api/v1/events", json.dumps(event).encode(), {"Authorization": "Bearer ${key}", "Content-Type": "application/json"}))`],
    ['openai', 'OpenAI client', `from openai import OpenAI  # a provider has to be set up first, under Settings
client = OpenAI(base_url="${origin}/v1", api_key="${key}")
client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello!"}])`],
  ]
}

/** What an empty project shows; becomes the trace as soon as there is one. */
export function FirstRun() {
  const navigate = useNavigate()
  const gone = useRef(false)
  const enter = useCallback((traceId: string) => {
    if (gone.current) return
    gone.current = true
    localStorage.removeItem(keptKey)
    void navigate({ to: '/traces/$traceId', params: { traceId } } as never)
  }, [navigate])
  useNews(true, (news) => enter(news.trace.trace_id))
  // The socket is quicker; looking is surer.
  const runs = useQuery({ queryKey: ['first-trace'], queryFn: () => ask<Page<Row>>('/api/v1/runs?limit=1', { fresh: true }), refetchInterval: 1_500 })
  const found = runs.data?.data[0]?.trace_id
  useEffect(() => {
    if (found) enter(found)
  }, [found, enter])

  const key = useWritingKey(runs.data !== undefined && !found)
  const shown = snippets(window.location.origin, key.data ?? '$HINDCAST_KEY')
  return (
    <div className="mx-auto w-full max-w-3xl pt-2 md:pt-8" data-testid="first-run">
      <Heading title="Send the first trace" says="This project is empty. Run one of these, and the trace appears here by itself." />
      <Tabs.Root defaultValue="curl" className="card">
        <Tabs.List aria-label="Language" className="flex overflow-x-auto border-b border-line px-1">
          {shown.map(([id, name]) => (
            <Tabs.Trigger key={id} value={id} className="border-b-2 border-transparent px-3 py-2 whitespace-nowrap text-soft -outline-offset-2 data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink">{name}</Tabs.Trigger>
          ))}
        </Tabs.List>
        {shown.map(([id, , code]) => (
          <Tabs.Content key={id} value={id} className="relative p-3">
            <pre className="overflow-x-auto pr-20 pb-2 font-mono text-xs leading-relaxed" tabIndex={0} aria-label="Code"><code>{code}</code></pre>
            <span className="absolute top-3 right-3"><CopyButton text={code} /></span>
          </Tabs.Content>
        ))}
      </Tabs.Root>
      <p className="mt-3 text-soft">
        {key.data ? 'The key may only write and call models, and is shown here until the first trace has come.'
          : key.error ? `No key could be made: ${key.error.message}`
          : 'Put a key with the scope ingest where it says $HINDCAST_KEY.'} Other ways in (OpenTelemetry, WhyOps, Trubrics, TraceLLM) are described at <a className="text-accent underline" href="/docs">/docs</a>.
      </p>
      <p role="status" className="mt-6 flex items-center gap-2 text-soft">
        <span className="relative flex size-2.5" aria-hidden><span className="absolute size-full animate-ping rounded-full bg-accent opacity-60 motion-reduce:animate-none" /><span className="size-2.5 rounded-full bg-accent" /></span>
        {runs.error ? `The server does not say whether there is one (${runs.error.message}); asking again …` : 'Waiting for the first event …'}
      </p>
    </div>
  )
}

export function FirstRunPage() {
  useTitle('First run')
  return <FirstRun />
}
