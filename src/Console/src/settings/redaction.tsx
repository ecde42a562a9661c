import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useEffect, useState } from 'react'
import { ask, at } from '../api'
import { count, line, plain } from '../format'
import { At, Labelled } from '../ui/bits'
import { Of } from '../ui/states'
import { Table } from '../ui/table'
import { useChange } from './change'

type Action = 'off' | 'flag' | 'replace'
type Rules = { secrets: Action; emails: Action; cards: Action; patterns: { name: string; pattern: string; action: Action }[] }
type Example = { position: number; trace_id?: string; span_id?: string; masked: string }
type Tried = { from: string; to: string; facts: number; complete: boolean; rules: { rule: string; action: Action; facts: number; matches: number; examples: Example[] }[] }

const kinds = [['secrets', 'Secrets', 'Keys of providers and platforms, tokens, private keys.'], ['emails', 'E-mail addresses', ''], ['cards', 'Card numbers', 'Those whose check digit is right.']] as const

const Act = ({ value, change, label }: { value: Action; change: (action: Action) => void; label?: string }) => (
  <select className="field" aria-label={label} value={value} onChange={(e) => change(e.target.value as Action)}><option value="off">leave</option><option value="flag">flag</option><option value="replace">replace</option></select>
)

export function Redaction() {
  const rules = useQuery({ queryKey: ['redaction'], queryFn: () => ask<Rules>('/api/v1/redaction') })
  return <Of query={rules} what="redaction">{(r) => <RulesForm inForce={r} />}</Of>
}

/** Rules as they would be; tried on what is stored before they are set. */
function RulesForm({ inForce }: { inForce: Rules }) {
  const [rules, setRules] = useState(inForce)
  const [days, setDays] = useState('7')
  useEffect(() => setRules(inForce), [inForce])
  const put = useChange<Rules>('redaction', (body) => ({ path: '/api/v1/redaction', method: 'PUT', body }))
  const trial = useMutation({ mutationFn: () => ask<Tried>(at('/api/v1/redaction/try', { from: new Date(Date.now() - Number(days) * 86_400_000).toISOString() }), { body: rules }) })
  const pattern = (i: number, change: Partial<Rules['patterns'][number]>) => setRules({ ...rules, patterns: rules.patterns.map((p, k) => (k === i ? { ...p, ...change } : p)) })
  return (
    <>
      <form className="card flex flex-col gap-3 p-4" aria-label="Redaction rules" onSubmit={(e) => { e.preventDefault(); put.mutate(rules) }}>
        <div className="flex flex-wrap gap-4">{kinds.map(([key, name, hint]) => <Labelled key={key} label={name} hint={hint}><Act value={rules[key]} change={(action) => setRules({ ...rules, [key]: action })} /></Labelled>)}</div>
        {rules.patterns.map((p, i) => (
          <div key={i} className="flex flex-wrap items-end gap-2" role="group" aria-label={`Pattern ${i + 1}`}>
            <Labelled label="Name"><input className="field w-32" required value={p.name} onChange={(e) => pattern(i, { name: e.target.value })} /></Labelled>
            <Labelled label="Pattern, a regular expression"><input className="field w-72 font-mono" required spellCheck={false} value={p.pattern} onChange={(e) => pattern(i, { pattern: e.target.value })} /></Labelled>
            <Labelled label="What is found"><Act value={p.action} change={(action) => pattern(i, { action })} /></Labelled>
            <button type="button" className="button danger" onClick={() => setRules({ ...rules, patterns: rules.patterns.filter((_, k) => k !== i) })}>Take out</button>
          </div>
        ))}
        <div><button type="button" className="button" onClick={() => setRules({ ...rules, patterns: [...rules.patterns, { name: '', pattern: '', action: 'replace' }] })}><Plus size={14} aria-hidden />A pattern of your own</button></div>
        <div className="flex flex-wrap items-center gap-2 border-t border-line pt-3">
          <button type="submit" className="button primary" disabled={put.isPending}>Save</button>
          <button type="button" className="button" disabled={trial.isPending} onClick={() => trial.mutate()}>{trial.isPending ? 'Trying …' : 'Try on the past'}</button>
          <label><span className="sr-only">How far back</span><select className="field" value={days} onChange={(e) => setDays(e.target.value)}><option value="1">last day</option><option value="7">last 7 days</option><option value="30">last 30 days</option></select></label>
          {put.isSuccess && <span role="status" className="text-ok">Saved: it holds for what comes from now on.</span>}
        </div>
        {(put.error ?? trial.error) && <p role="alert" className="text-bad">{(put.error ?? trial.error)!.message}</p>}
      </form>
      {trial.data && <Found tried={trial.data} />}
    </>
  )
}

function Found({ tried }: { tried: Tried }) {
  return (
    <section aria-label="What the rules would have found" className="mt-4 flex flex-col gap-2">
      <p role="status">In {count(tried.facts)} facts since <At iso={tried.from} />{tried.complete ? '' : ', and there are more that were not looked at'}. Nothing was changed.</p>
      {tried.rules.length > 0 && (
        <Table
          label="Found by rule" rows={tried.rules} keyOf={(r) => r.rule}
          columns={[
            { name: 'Rule', look: 'font-medium', draw: (r) => plain(r.rule) }, { name: 'What is found is', draw: (r) => (r.action === 'replace' ? 'replaced' : r.action === 'flag' ? 'flagged' : 'left') },
            { name: 'Facts', n: true, draw: (r) => count(r.facts) }, { name: 'Matches', n: true, draw: (r) => count(r.matches) },
            { name: 'Examples, masked', draw: (r) => r.examples.length > 0 && <ul>{r.examples.map((e, i) => <li key={i}><code className="text-xs break-all">{line(e.masked, 80)}</code>{e.trace_id && <> in <Link className="text-accent underline" to="/traces/$traceId" params={{ traceId: e.trace_id } as never} search={{ span: e.span_id } as never}>{line(e.trace_id, 40)}</Link></>}</li>)}</ul> },
          ]}
        />
      )}
    </section>
  )
}
