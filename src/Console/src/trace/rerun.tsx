import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { ask, Refused, type Span } from '../api'
import { duration } from '../format'
import { useMay } from '../shell'
import { Labelled } from '../ui/bits'
import { Conversation } from './conversation'
import { askedOf } from './messages'

type Answer = { body: unknown; ms: number }

/** What another model says to the same messages, through the gateway; the call is a trace of its own. */
export function Rerun({ span }: { span: Span }) {
  const may = useMay('gateway')
  const [model, setModel] = useState(span.model ?? '')
  const messages = askedOf(span.input, span.output)
    .map((m) => ({ role: ['system', 'developer', 'user', 'assistant'].includes(m.role) ? m.role : 'user', content: m.parts.map((p) => ('text' in p ? p.text : JSON.stringify(p.value))).join('\n') }))
    .filter((m) => m.content)
  const call = useMutation({
    mutationFn: async (): Promise<Answer> => {
      const began = performance.now()
      const body = await ask('/v1/chat/completions', { body: { model, messages } })
      return { body, ms: performance.now() - began }
    },
  })
  if (!may) return <p className="py-6 text-center text-soft">Your key may not call models: it lacks the scope gateway.</p>
  if (messages.length === 0) return <p className="py-6 text-center text-soft">This span holds no messages to send again.</p>
  return (
    <form className="flex flex-col gap-3" onSubmit={(e) => { e.preventDefault(); call.mutate() }}>
      <p className="text-soft">Sends the same {messages.length === 1 ? 'message' : `${messages.length} messages`} to a model of your providers. It costs what the model costs, and is recorded as a new trace.</p>
      <div className="flex flex-wrap items-end gap-2">
        <Labelled label="Model"><input className="field font-mono" required value={model} onChange={(e) => setModel(e.target.value)} placeholder="gpt-4o-mini" /></Labelled>
        <button type="submit" className="button primary" disabled={call.isPending}>{call.isPending ? 'Waiting …' : 'Replay'}</button>
      </div>
      {call.error && <p role="alert" className="text-bad">{call.error instanceof Refused && call.error.status === 404 ? 'No provider of this project serves that model. Add one in the settings.' : call.error.message}</p>}
      {call.data && (
        <section aria-label="Answers side by side" className="grid gap-3 xl:grid-cols-2">
          <div><h3 className="mb-1 text-xs font-semibold text-soft">Recorded{span.duration_ms != null && `, ${duration(span.duration_ms)}`}</h3><Conversation input={null} output={span.output} /></div>
          <div><h3 className="mb-1 text-xs font-semibold text-soft">Now, {duration(call.data.ms)}</h3><Conversation input={null} output={call.data.body} /></div>
        </section>
      )}
    </form>
  )
}
