import { Brain, CornerDownRight, Wrench } from 'lucide-react'
import { plain } from '../format'
import { JsonTree, Long } from './json-tree'
import { conversation, type Part } from './messages'

const looks: Record<string, string> = { user: 'border-run/50', assistant: 'border-accent/60', system: 'border-line', developer: 'border-line', tool: 'border-warn/60' }

/** A conversation to be read. Text only: no Markdown, no link, no picture comes to life here. */
export function Conversation({ input, output }: { input: unknown; output: unknown }) {
  const messages = conversation(input, output)
  if (messages.length === 0) return <p className="py-6 text-center text-soft">Nothing was said here.</p>
  return (
    <ol className="flex flex-col gap-2">
      {messages.map((m, i) => (
        <li key={i} className={`rounded-md border-l-3 bg-panel px-3 py-2 ${looks[m.role] ?? 'border-line'}`}>
          <div className="mb-1 text-xs font-semibold text-soft">{plain(m.role)}</div>
          <div className="flex flex-col gap-2">{m.parts.map((p, k) => <Piece key={k} part={p} />)}</div>
        </li>
      ))}
    </ol>
  )
}

function Piece({ part }: { part: Part }) {
  switch (part.is) {
    case 'text': return <div className="break-words whitespace-pre-wrap"><Long text={part.text} /></div>
    case 'thinking':
      return <div className="flex gap-2 text-soft italic"><Brain size={15} className="mt-0.5 shrink-0" aria-label="Thinking" /><div className="min-w-0 break-words whitespace-pre-wrap"><Long text={part.text} /></div></div>
    case 'call':
      return (
        <div>
          <div className="mb-1 flex items-center gap-1.5 text-xs"><Wrench size={13} aria-hidden />calls <b className="font-mono">{plain(part.name)}</b>{part.id && <span className="truncate text-soft">{plain(part.id)}</span>}</div>
          <JsonTree value={part.value} />
        </div>
      )
    case 'result':
      return (
        <div>
          <div className="mb-1 flex items-center gap-1.5 text-xs"><CornerDownRight size={13} aria-hidden />result{part.id && <span className="truncate text-soft">{plain(part.id)}</span>}</div>
          <JsonTree value={part.value} />
        </div>
      )
    default: return <div><div className="mb-1 text-xs text-soft">{plain(part.name)}</div><JsonTree value={part.value} /></div>
  }
}
