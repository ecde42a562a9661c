/** Messages out of whatever a provider's client sent, for reading as a conversation. What is not understood is shown as it is. */

export type Part =
  | { is: 'text'; text: string }
  | { is: 'thinking'; text: string }
  | { is: 'call'; name: string; id?: string; value: unknown }
  | { is: 'result'; id?: string; value: unknown }
  | { is: 'other'; name: string; value: unknown }

export type Message = { role: string; parts: Part[] }

type Any = Record<string, unknown>
const isObject = (v: unknown): v is Any => typeof v === 'object' && v !== null && !Array.isArray(v)
const text = (v: unknown): string | undefined => (typeof v === 'string' ? v : undefined)

/** Arguments often come as a text of JSON. */
export function unfold(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function partOf(part: unknown): Part {
  if (typeof part === 'string') return { is: 'text', text: part }
  if (!isObject(part)) return { is: 'other', name: 'content', value: part }
  const type = text(part.type) ?? ''
  const said = text(part.text) ?? text(part.content)
  if (['thinking', 'reasoning'].includes(type)) return { is: 'thinking', text: text(part.thinking) ?? said ?? JSON.stringify(part.summary ?? '') }
  if (['tool_use', 'function_call', 'tool_call'].includes(type)) return { is: 'call', name: text(part.name) ?? 'tool', id: text(part.id) ?? text(part.call_id), value: unfold(part.input ?? part.arguments) }
  if (['tool_result', 'function_call_output'].includes(type)) return { is: 'result', id: text(part.tool_use_id) ?? text(part.call_id), value: unfold(part.content ?? part.output) }
  if (said !== undefined && (type === '' || type.endsWith('text'))) return { is: 'text', text: said }
  return { is: 'other', name: type || 'content', value: part }
}

const contentOf = (content: unknown): Part[] => (content === null || content === undefined || content === '' ? [] : Array.isArray(content) ? content.map(partOf) : [partOf(content)])

function callsOf(calls: unknown): Part[] {
  return !Array.isArray(calls) ? [] : calls.map((c) => {
    const call = isObject(c) ? c : {}
    const inner = isObject(call.function) ? call.function : call
    return { is: 'call', name: text(inner.name) ?? 'tool', id: text(call.id), value: unfold(inner.arguments ?? inner.input) }
  })
}

function messageOf(value: unknown, otherwise: string): Message {
  if (!isObject(value)) return { role: otherwise, parts: contentOf(value) }
  const role = text(value.role) ?? (['function_call', 'reasoning'].includes(text(value.type) ?? '') ? 'assistant' : value.type === 'function_call_output' ? 'tool' : otherwise)
  if (role === 'tool' && 'content' in value) return { role, parts: [{ is: 'result', id: text(value.tool_call_id), value: unfold(value.content) }] }
  const parts = 'content' in value ? contentOf(value.content) : [partOf(value)]
  const thought = text(value.reasoning_content) ?? text(value.thinking)
  return { role, parts: [...(thought && value.type !== 'thinking' ? [{ is: 'thinking', text: thought } as Part] : []), ...parts, ...callsOf(value.tool_calls ?? value.toolCalls)] }
}

/** Null when there is nothing to talk about. */
function side(value: unknown, role: string): Message[] {
  const v = unfold(value)
  if (v === null || v === undefined || v === '') return []
  if (Array.isArray(v)) return v.every((m) => isObject(m) && ('role' in m || 'type' in m)) && v.some((m) => 'role' in (m as Any)) ? v.map((m) => messageOf(m, role)) : [{ role, parts: contentOf(v) }]
  if (!isObject(v)) return [{ role, parts: contentOf(v) }]
  const system = [v.system, v.instructions, v.systemPrompt].filter((s) => s !== undefined && s !== null && s !== '').map((s) => ({ role: 'system', parts: contentOf(s) }))
  if (Array.isArray(v.messages)) {
    // Some clients send what was said before and, beside it, the answer.
    const answer = 'content' in v || 'toolCalls' in v || 'tool_calls' in v ? [messageOf(v, role)] : []
    return [...system, ...v.messages.map((m) => messageOf(m, role)), ...answer]
  }
  if (Array.isArray(v.choices)) return v.choices.map((c) => messageOf(isObject(c) ? (c.message ?? c) : c, role))
  if (Array.isArray(v.output)) return v.output.map((m) => messageOf(m, role))
  if ('input' in v && (typeof v.input === 'string' || Array.isArray(v.input))) return [...system, ...side(v.input, role)]
  if ('content' in v || 'toolCalls' in v || 'tool_calls' in v) return [messageOf(v, role)]
  for (const name of ['prompt', 'question', 'text', 'generation', 'response', 'completion']) if (typeof v[name] === 'string') return [...system, { role, parts: contentOf(v[name]) }]
  return [...system, { role, parts: [{ is: 'other', name: role === 'user' ? 'input' : 'output', value: v }] }]
}

/** What a model was asked: all that was said before its answer. */
export function askedOf(input: unknown, output: unknown): Message[] {
  const all = conversation(input, output)
  return all.slice(0, all.findLastIndex((m) => m.role !== 'assistant') + 1)
}

export const conversation = (input: unknown, output: unknown): Message[] => [...side(input, 'user'), ...side(output, 'assistant')].filter((m) => m.parts.length > 0)
