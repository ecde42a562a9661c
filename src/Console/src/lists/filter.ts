/**
 * The filter language as people write it, and as the doors take it (docs/search.md):
 * `model = gpt-4o and (duration_ms > 2000 or status_code = ERROR) refund "broken order"`. Bare words are searched for in the texts; conditions
 * beside each other are joined by `and`.
 */

export type Condition = { field: string; operator: string; value: unknown }
export type Group = { operator: 'AND' | 'OR' | 'NOT'; filters: Filter[] }
export type Filter = Condition | Group

export class Unreadable extends Error {
  constructor(message: string, readonly from: number) {
    super(message)
  }
}

export type FieldKind = 'text' | 'number' | 'time' | 'status' | 'words'
export type FieldInfo = { name: string; kind: FieldKind; says: string; only?: 'spans' | 'traces' }

export const fields: FieldInfo[] = [
  { name: 'status_code', kind: 'status', says: 'SUCCESS, ERROR or UNSET (running)' },
  { name: 'model', kind: 'text', says: 'model' },
  { name: 'provider', kind: 'text', says: 'provider' },
  { name: 'service_name', kind: 'text', says: 'agent' },
  { name: 'environment', kind: 'text', says: 'environment' },
  { name: 'user_id', kind: 'text', says: 'user' },
  { name: 'session_id', kind: 'text', says: 'session' },
  { name: 'trace_id', kind: 'text', says: 'trace' },
  { name: 'ts', kind: 'time', says: 'start, ISO 8601' },
  { name: 'duration_ms', kind: 'number', says: 'duration, ms' },
  { name: 'total_cost_usd', kind: 'number', says: 'cost, USD' },
  { name: 'prompt_cost_usd', kind: 'number', says: 'cost of input, USD' },
  { name: 'completion_cost_usd', kind: 'number', says: 'cost of output, USD' },
  { name: 'total_tokens', kind: 'number', says: 'tokens' },
  { name: 'prompt_tokens', kind: 'number', says: 'input tokens, caches included' },
  { name: 'completion_tokens', kind: 'number', says: 'output tokens' },
  { name: 'input_text', kind: 'words', says: 'text that went in' },
  { name: 'output_text', kind: 'words', says: 'text that came out' },
  { name: 'span_count', kind: 'number', says: 'spans of the trace', only: 'traces' },
  { name: 'error_count', kind: 'number', says: 'errors of the trace', only: 'traces' },
  { name: 'event_count', kind: 'number', says: 'events of the trace', only: 'traces' },
  { name: 'operation_type', kind: 'text', says: 'kind of span: llm, tool, …', only: 'spans' },
  { name: 'span_name', kind: 'text', says: 'name of the span', only: 'spans' },
  { name: 'span_id', kind: 'text', says: 'span', only: 'spans' },
  { name: 'parent_span_id', kind: 'text', says: 'span above', only: 'spans' },
  { name: 'error_message', kind: 'text', says: 'error', only: 'spans' },
  { name: 'ttft_ms', kind: 'number', says: 'time to first token, ms', only: 'spans' },
  { name: 'tokens_per_second', kind: 'number', says: 'output tokens per second', only: 'spans' },
  { name: 'tags', kind: 'text', says: 'tags', only: 'spans' },
]

const byName = new Map(fields.map((f) => [f.name, f]))
const kindOf = (name: string): FieldKind => byName.get(name)?.kind ?? 'text'
const isField = (name: string) => byName.has(name) || /^(attributes|properties)\../.test(name)

const signs: Record<string, string> = { '=': 'eq', '==': 'eq', '!=': 'ne', '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte', '~': 'regex', ':': 'contains' }
const words = ['contains', 'starts_with', 'ends_with', 'regex', 'search', 'in', 'not_contains', 'not_in', 'eq', 'ne', 'gt', 'gte', 'lt', 'lte']

/** What can stand behind a field. */
export function operatorsOf(field: string): string[] {
  switch (kindOf(field)) {
    case 'number': return ['=', '!=', '>', '>=', '<', '<=', 'in', 'not in']
    case 'time': return ['>=', '<', '>', '<=']
    case 'status': return ['=', '!=', 'in', 'not in']
    case 'words': return ['search', 'contains', 'not contains', 'starts_with', 'ends_with', '~']
    default: return ['=', '!=', 'contains', 'not contains', 'starts_with', 'ends_with', 'in', 'not in', '~']
  }
}

export type Token = { text: string; from: number; to: number; quoted: boolean }

export function tokens(source: string): Token[] {
  const found: Token[] = []
  const shape = /\s+|"((?:[^"\\]|\\.)*)("?)|(>=|<=|!=|==|[()=<>~,]|:(?=\S))|([^\s"()=<>~,!:]+(?:[:!][^\s"()=<>~,]+)*)|(.)/gy
  for (let m = shape.exec(source); m; m = shape.exec(source)) {
    if (/^\s/.test(m[0])) continue
    const quoted = m[1] !== undefined
    if (quoted && m[2] === '') throw new Unreadable('A quotation mark is missing.', m.index)
    found.push({ text: quoted ? m[1]!.replace(/\\(.)/g, '$1') : m[0], from: m.index, to: m.index + m[0].length, quoted })
  }
  return found
}

/** Null for an empty text: everything. */
export function parse(source: string): Filter | null {
  const all = tokens(source)
  let i = 0
  const peek = (...texts: string[]) => all[i] !== undefined && !all[i]!.quoted && texts.includes(all[i]!.text.toLowerCase())
  const end = () => all[i]?.from ?? source.length
  if (all.length === 0) return null

  const joined = (operator: 'AND' | 'OR', filters: Filter[]): Filter => (filters.length === 1 ? filters[0]! : { operator, filters })

  function either(): Filter {
    const parts = [all_()]
    while (peek('or')) {
      i++
      parts.push(all_())
    }
    return joined('OR', parts)
  }

  function all_(): Filter {
    const parts = [one()]
    while (i < all.length && !peek('or', ')')) {
      if (peek('and')) i++
      parts.push(one())
    }
    return joined('AND', parts)
  }

  function one(): Filter {
    if (i >= all.length || peek(')', 'and', 'or')) throw new Unreadable('A condition is missing.', end())
    if (peek('not')) {
      i++
      return { operator: 'NOT', filters: [one()] }
    }
    if (peek('(')) {
      i++
      const inner = either()
      if (!peek(')')) throw new Unreadable('A bracket is not closed.', end())
      i++
      return inner
    }
    const operator = operatorAt(i + 1)
    const named = all[i]!
    if (operator && !named.quoted) {
      if (!isField(named.text)) throw new Unreadable(`There is no field ${named.text}.`, named.from)
      i += 1 + operator.length
      return { field: named.text, operator: operator.name, value: operator.name === 'in' || operator.name === 'not_in' ? list(named.text) : value(named.text) }
    }
    const said: string[] = []
    while (i < all.length && !peek('and', 'or', 'not', '(', ')') && (said.length === 0 || !operatorAt(i + 1))) {
      if (!all[i]!.quoted && all[i]!.text in signs) throw new Unreadable(`Nothing stands before ${all[i]!.text}.`, all[i]!.from)
      said.push(all[i++]!.text)
    }
    return { field: 'input_text', operator: 'search', value: said.join(' ') }
  }

  function operatorAt(k: number): { name: string; length: number } | null {
    const token = all[k]
    if (!token || token.quoted || all[k - 1]!.quoted) return null
    const text = token.text.toLowerCase()
    if (text in signs) return { name: signs[text]!, length: 1 }
    if (text === 'not' && isField(all[k - 1]!.text) && ['in', 'contains'].includes(all[k + 1]?.text.toLowerCase() ?? '')) return { name: `not_${all[k + 1]!.text.toLowerCase()}`, length: 2 }
    return words.includes(text) && isField(all[k - 1]!.text) ? { name: text, length: 1 } : null
  }

  function value(field: string): unknown {
    const token = all[i]
    if (!token || (!token.quoted && '(),'.includes(token.text))) throw new Unreadable(`${field} needs a value.`, end())
    i++
    if (token.quoted) return token.text
    if (token.text.toLowerCase() === 'null') return null
    if (kindOf(field) !== 'number') return token.text
    const number = Number(token.text)
    if (Number.isNaN(number)) throw new Unreadable(`${field} needs a number.`, token.from)
    return number
  }

  function list(field: string): unknown[] {
    if (!peek('(')) return [value(field)]
    i++
    const values = [value(field)]
    while (peek(',')) {
      i++
      values.push(value(field))
    }
    if (!peek(')')) throw new Unreadable('A bracket is not closed.', end())
    i++
    return values
  }

  const filter = either()
  if (i < all.length) throw new Unreadable('A bracket was never opened.', end())
  return filter
}

/** The words a filter looks for in texts, to show where they stand. */
export function wordsOf(filter: Filter | null): string[] {
  if (filter === null) return []
  if ('filters' in filter) return filter.operator === 'NOT' ? [] : filter.filters.flatMap(wordsOf)
  if (typeof filter.value !== 'string') return []
  if (filter.operator === 'search') return filter.value.split(/\s+/).filter((w) => w.length > 1)
  return filter.operator === 'contains' && kindOf(filter.field) === 'words' ? [filter.value] : []
}

/** A value as it is written in a filter. */
export const written = (value: string) => (/^[\w./@-]+$/.test(value) && !/^(and|or|not|null)$/i.test(value) ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`)

const signOf: Record<string, string> = { ...Object.fromEntries(Object.entries(signs).map(([sign, name]) => [name, sign])), eq: '=', contains: 'contains', not_contains: 'not contains', not_in: 'not in' }

/** A filter as people write it: what `parse` reads back to the same. */
export function say(filter: Filter): string {
  if ('filters' in filter) {
    const parts = filter.filters.map((f) => ('filters' in f && f.operator !== 'NOT' ? `(${say(f)})` : say(f)))
    return filter.operator === 'NOT' ? `not ${parts[0]}` : parts.join(filter.operator === 'OR' ? ' or ' : ' and ')
  }
  const one = (v: unknown) => (typeof v === 'string' ? written(v) : String(v))
  if (filter.field === 'input_text' && filter.operator === 'search') return String(filter.value).split(' ').map((w) => written(w)).join(' ')
  return `${filter.field} ${signOf[filter.operator] ?? filter.operator} ${Array.isArray(filter.value) ? `(${filter.value.map(one).join(', ')})` : one(filter.value)}`
}

export type Completion = { text: string; says?: string }
export type Completions = { from: number; to: number; choices: Completion[] }

/** What may stand at the caret. `known` are values seen so far, by field. */
export function complete(source: string, caret: number, rows: 'traces' | 'spans', known: (field: string) => string[]): Completions {
  let before: Token[]
  try {
    before = tokens(source.slice(0, caret))
  } catch {
    return { from: caret, to: caret, choices: [] }
  }
  const last = before.at(-1)
  const touching = last !== undefined && last.to === caret && !last.quoted && !(last.text in signs) && !'(),'.includes(last.text)
  const prefix = touching ? last.text : ''
  const settled = touching ? before.slice(0, -1) : before
  const from = touching ? last.from : caret
  const [p1, p2, p3] = [settled.at(-1), settled.at(-2), settled.at(-3)]
  const is = (t: Token | undefined, ...texts: string[]) => t !== undefined && !t.quoted && texts.includes(t.text.toLowerCase())
  const isOperator = (t: Token | undefined) => is(t, ...Object.keys(signs), ...words)
  const narrowed = (choices: Completion[]) => ({
    from, to: caret, choices: choices.filter((c) => c.text.toLowerCase().includes(prefix.toLowerCase()) && c.text !== prefix).slice(0, 12),
  })

  const inList = settled.map((t) => t.text).lastIndexOf('(') > settled.map((t) => t.text).lastIndexOf(')') && is(settled[settled.map((t) => t.text).lastIndexOf('(') - 1], 'in', 'not_in')
  const listed = inList ? settled[settled.map((t) => t.text).lastIndexOf('(') - 1] : undefined
  const named = listed ? settled[settled.indexOf(listed) - (is(settled[settled.indexOf(listed) - 1], 'not') ? 2 : 1)] : isOperator(p1) ? (is(p2, 'not') ? p3 : p2) : undefined
  if (named && isField(named.text)) {
    const values = kindOf(named.text) === 'status' ? ['SUCCESS', 'ERROR', 'UNSET'] : known(named.text)
    return narrowed(values.map((v) => ({ text: written(v) })))
  }
  if (p1 && !p1.quoted && isField(p1.text) && !isOperator(p2)) return narrowed(operatorsOf(p1.text).map((text) => ({ text })))
  const done = settled.length > 0 && !is(p1, 'and', 'or', 'not', '(')
  const names = fields.filter((f) => f.only === undefined || f.only === rows).map((f) => ({ text: f.name, says: f.says }))
  return narrowed(done ? [{ text: 'and' }, { text: 'or' }, ...names] : [...names, { text: 'not' }])
}
