import { Search, X } from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { complete, parse, Unreadable } from './filter'

/** The filter as a line of text, with what may come next offered below. Enter applies it. */
export function FilterBar({ value, apply, rows, known }: { value: string; apply: (text: string) => void; rows: 'traces' | 'spans'; known: (field: string) => string[] }) {
  const [text, setText] = useState(value)
  const [caret, setCaret] = useState(value.length)
  const [open, setOpen] = useState(false)
  const [chosen, setChosen] = useState(-1)
  const input = useRef<HTMLInputElement>(null)
  const id = useId()
  useEffect(() => setText(value), [value])

  useEffect(() => {
    const focus = (e: globalThis.KeyboardEvent) => {
      if (e.key !== '/' || e.ctrlKey || e.metaKey || (e.target as HTMLElement).closest('input,textarea,select,[contenteditable]')) return
      e.preventDefault()
      input.current?.focus()
    }
    window.addEventListener('keydown', focus)
    return () => window.removeEventListener('keydown', focus)
  }, [])

  const offered = open ? complete(text, caret, rows, known) : { from: 0, to: 0, choices: [] }
  const shown = offered.choices.length > 0
  let wrong: string | undefined
  try {
    parse(text)
  } catch (e) {
    wrong = e instanceof Unreadable ? e.message : undefined
  }

  function take(choice: string) {
    const next = `${text.slice(0, offered.from)}${choice} ${text.slice(offered.to).trimStart()}`
    const at = offered.from + choice.length + 1
    // At once: a key that is pressed before the next frame belongs behind the choice.
    flushSync(() => {
      setText(next)
      setChosen(-1)
      setCaret(at)
    })
    input.current?.setSelectionRange(at, at)
  }

  function keyed(e: KeyboardEvent) {
    if (e.key === 'ArrowDown' && !shown) setOpen(true)
    else if (e.key === 'ArrowDown' && shown) setChosen((chosen + 1) % offered.choices.length)
    else if (e.key === 'ArrowUp' && shown) setChosen((chosen <= 0 ? offered.choices.length : chosen) - 1)
    else if ((e.key === 'Tab' || e.key === 'Enter') && shown && chosen >= 0) take(offered.choices[chosen]!.text)
    else if (e.key === 'Enter' && wrong === undefined) {
      apply(text.trim())
      setOpen(false)
    } else if (e.key === 'Escape' && open) setOpen(false)
    else return
    e.preventDefault()
  }

  return (
    <div className="relative min-w-0 flex-1 basis-64">
      <div className="relative">
        <Search size={15} className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-soft" aria-hidden />
        <input
          ref={input} className="field w-full py-1.5 pr-8 pl-8 font-mono text-[13px]" value={text} spellCheck={false} autoComplete="off" autoCapitalize="off"
          placeholder="words, or model = gpt-4o and duration_ms > 2000"
          role="combobox" aria-label="Filter" aria-expanded={shown} aria-controls={`${id}-list`} aria-autocomplete="list" aria-invalid={wrong !== undefined && !open}
          aria-activedescendant={shown && chosen >= 0 ? `${id}-${chosen}` : undefined} aria-describedby={`${id}-wrong`}
          onChange={(e) => {
            setText(e.target.value)
            setCaret(e.target.selectionStart ?? e.target.value.length)
            setOpen(true)
            setChosen(-1)
          }}
          onSelect={(e) => setCaret(e.currentTarget.selectionStart ?? 0)}
          onKeyDown={keyed} onBlur={() => setOpen(false)} onClick={() => setOpen(true)}
        />
        {text && (
          <button type="button" className="absolute top-1/2 right-1.5 -translate-y-1/2 rounded p-1 text-soft hover:bg-raised" aria-label="Clear the filter" onClick={() => { setText(''); apply('') }}>
            <X size={14} aria-hidden />
          </button>
        )}
      </div>
      <ul id={`${id}-list`} role="listbox" aria-label="Completions" hidden={!shown} className="card absolute z-30 mt-1 max-h-72 w-full max-w-md overflow-y-auto py-1 shadow-lg">
        {offered.choices.map((choice, i) => (
          <li
            key={choice.text} id={`${id}-${i}`} role="option" aria-selected={i === chosen} onMouseDown={(e) => { e.preventDefault(); take(choice.text) }}
            className={`flex cursor-pointer justify-between gap-4 px-3 py-1 ${i === chosen ? 'bg-tint' : 'hover:bg-raised'}`}
          >
            <span className="truncate font-mono text-[13px]">{choice.text}</span>
            <span className="truncate text-xs text-soft">{choice.says}</span>
          </li>
        ))}
      </ul>
      <p id={`${id}-wrong`} role="status" className="text-xs text-bad empty:hidden">{!open && wrong}</p>
    </div>
  )
}
