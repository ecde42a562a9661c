import { expect, test } from 'vitest'
import { askedOf, conversation } from './messages'

test('OpenAI, with tools', () =>
  expect(conversation(
    { messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: [{ type: 'text', text: 'Hi' }] }, { role: 'tool', tool_call_id: 'c', content: '{"a":1}' }] },
    { choices: [{ message: { role: 'assistant', content: null, tool_calls: [{ id: 'c', function: { name: 'look', arguments: '{"q":2}' } }] } }] },
  )).toEqual([
    { role: 'system', parts: [{ is: 'text', text: 'Be brief.' }] },
    { role: 'user', parts: [{ is: 'text', text: 'Hi' }] },
    { role: 'tool', parts: [{ is: 'result', id: 'c', value: { a: 1 } }] },
    { role: 'assistant', parts: [{ is: 'call', name: 'look', id: 'c', value: { q: 2 } }] },
  ]))

test('Anthropic, with thinking', () =>
  expect(conversation(
    { system: 'Be kind.', messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'ok' }] }] },
    { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm' }, { type: 'tool_use', id: 't', name: 'f', input: { x: 1 } }] },
  )).toEqual([
    { role: 'system', parts: [{ is: 'text', text: 'Be kind.' }] },
    { role: 'user', parts: [{ is: 'result', id: 't', value: 'ok' }] },
    { role: 'assistant', parts: [{ is: 'thinking', text: 'hm' }, { is: 'call', name: 'f', id: 't', value: { x: 1 } }] },
  ]))

test('plain texts and things nobody understands', () => {
  expect(conversation('hello', { content: 'bye', toolCalls: [] })).toEqual([{ role: 'user', parts: [{ is: 'text', text: 'hello' }] }, { role: 'assistant', parts: [{ is: 'text', text: 'bye' }] }])
  expect(conversation({ odd: 1 }, null)).toEqual([{ role: 'user', parts: [{ is: 'other', name: 'input', value: { odd: 1 } }] }])
  expect(conversation(null, undefined)).toEqual([])
})

test('an answer beside what was said before is part of the conversation, and not of what was asked', () => {
  const output = { messages: [{ role: 'user', content: 'Who?' }], content: 'I.' }
  expect(conversation(null, output).map((m) => m.role)).toEqual(['user', 'assistant'])
  expect(askedOf(null, output).map((m) => m.role)).toEqual(['user'])
  expect(askedOf([{ role: 'user', content: 'a' }, { role: 'assistant', content: 'b' }, { role: 'user', content: 'c' }], 'd')).toHaveLength(3)
})
