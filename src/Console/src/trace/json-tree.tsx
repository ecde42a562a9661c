import { ChevronDown, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { count, plain } from '../format'
import { CopyButton } from '../ui/bits'

const mostChildren = 100
const longText = 2_000

/** Any JSON as a tree that opens; long lists and texts in portions. */
export function JsonTree({ value, open = 2 }: { value: unknown; open?: number }) {
  return (
    <div className="group relative rounded-md bg-raised p-2 font-mono text-xs leading-relaxed">
      <span className="absolute top-1 right-1"><CopyButton bare label="Copy as JSON" text={() => JSON.stringify(value, null, 2)} /></span>
      <Node value={value} depth={0} open={open} />
    </div>
  )
}

function Node({ name, value, depth, open }: { name?: string; value: unknown; depth: number; open: number }) {
  const [shown, setShown] = useState(depth < open)
  const [most, setMost] = useState(mostChildren)
  const label = name === undefined ? null : <span className="text-accent">{plain(name)}: </span>
  if (typeof value !== 'object' || value === null) return <div className="pl-4 break-words whitespace-pre-wrap">{label}<Leaf value={value} /></div>
  const list = Array.isArray(value)
  const entries = list ? value.map((v, i) => [String(i), v] as const) : Object.entries(value)
  const size = `${list ? '[' : '{'}${entries.length === 0 ? '' : shown ? '' : ` ${count(entries.length)} `}${shown && entries.length ? '' : list ? ']' : '}'}`
  if (entries.length === 0) return <div className="pl-4">{label}{size}</div>
  return (
    <div>
      <button type="button" className="flex items-start text-left hover:bg-panel" aria-expanded={shown} onClick={() => setShown(!shown)}>
        {shown ? <ChevronDown size={14} className="mt-0.5 shrink-0" aria-hidden /> : <ChevronRight size={14} className="mt-0.5 shrink-0" aria-hidden />}
        <span>{label}{size}</span>
      </button>
      {shown && (
        <div className="ml-1.5 border-l border-line pl-2">
          {entries.slice(0, most).map(([key, v]) => <Node key={key} name={key} value={v} depth={depth + 1} open={open} />)}
          {entries.length > most && <button type="button" className="pl-4 text-accent underline" onClick={() => setMost(most + 1_000)}>{count(entries.length - most)} more</button>}
        </div>
      )}
      {shown && <div className="pl-4">{list ? ']' : '}'}</div>}
    </div>
  )
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value !== 'string') return <span className="text-run">{String(value)}</span>
  return <span>"<Long text={value} />"</span>
}

/** A text that opens when it is long. */
export function Long({ text }: { text: string }) {
  const [all, setAll] = useState(false)
  if (all || text.length <= longText) return <>{plain(text)}</>
  return <>{plain(text.slice(0, longText))}… <button type="button" className="text-accent underline" onClick={() => setAll(true)}>show all {count(text.length)} characters</button></>
}
