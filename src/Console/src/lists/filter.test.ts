import { expect, test } from 'vitest'
import { complete, parse, say, tokens, Unreadable, wordsOf, written } from './filter'

test('nothing is everything', () => expect(parse('  ')).toBeNull())

test('bare words are searched for, together', () =>
  expect(parse('refund broken')).toEqual({ field: 'input_text', operator: 'search', value: 'refund broken' }))

test('and binds closer than or, and may be left out', () =>
  expect(parse('model = gpt-4o duration_ms > 2000 or status_code = ERROR')).toEqual({
    operator: 'OR',
    filters: [
      { operator: 'AND', filters: [{ field: 'model', operator: 'eq', value: 'gpt-4o' }, { field: 'duration_ms', operator: 'gt', value: 2000 }] },
      { field: 'status_code', operator: 'eq', value: 'ERROR' },
    ],
  }))

test('every operator of the doors can be written', () => {
  const written = {
    'model != x': 'ne', 'model contains x': 'contains', 'model not contains x': 'not_contains', 'model starts_with x': 'starts_with', 'model ends_with x': 'ends_with',
    'model ~ x': 'regex', 'input_text search x': 'search', 'ts >= 2026-01-01T00:00:00Z': 'gte', 'ts < 2026-01-01': 'lt', 'total_tokens <= 3': 'lte', 'model in (a, b)': 'in',
    'model not in (a)': 'not_in', 'total_tokens gt 3': 'gt', 'attributes.team = red': 'eq',
  }
  for (const [text, operator] of Object.entries(written)) expect((parse(text) as { operator: string }).operator, text).toBe(operator)
})

test('quotes, null, lists and brackets', () => {
  expect(parse('user_id = "a \\"b\\" and c"')).toEqual({ field: 'user_id', operator: 'eq', value: 'a "b" and c' })
  expect(parse('user_id = null')).toEqual({ field: 'user_id', operator: 'eq', value: null })
  expect(parse('total_tokens in (1, 2)')).toEqual({ field: 'total_tokens', operator: 'in', value: [1, 2] })
  expect(parse('not (model = a or model = b)')).toEqual({
    operator: 'NOT', filters: [{ operator: 'OR', filters: [{ field: 'model', operator: 'eq', value: 'a' }, { field: 'model', operator: 'eq', value: 'b' }] }],
  })
})

test('what cannot be read says where', () => {
  for (const [text, from] of [['model =', 7], ['(model = a', 10], ['nothing = 3', 0], ['duration_ms > soon', 14], ['model = a)', 9], ['"open', 0], ['a and', 5]] as const) {
    try {
      parse(text)
      expect.unreachable(text)
    } catch (e) {
      expect(e, text).toBeInstanceOf(Unreadable)
      expect((e as Unreadable).from, text).toBe(from)
    }
  }
})

test('a value that is written reads as itself', () => {
  for (const value of ['plain', 'two words', 'a"b\\c', 'and', 'null', 'x:y', '(', '<script>'])
    expect(parse(`user_id = ${written(value)}`), value).toEqual({ field: 'user_id', operator: 'eq', value })
})

test('times are one token', () => expect(tokens('ts > 2026-01-01T10:00:00Z').map((t) => t.text)).toEqual(['ts', '>', '2026-01-01T10:00:00Z']))

test('words to show', () => expect(wordsOf(parse('refund order and not lost and output_text contains "the card"'))).toEqual(['refund', 'order', 'the card']))

test('completion follows the grammar', () => {
  const at = (text: string) => complete(text, text.length, 'traces', (f) => (f === 'model' ? ['gpt-4o', 'claude'] : [])).choices.map((c) => c.text)
  expect(at('mod')).toEqual(['model'])
  expect(at('model ')).toContain('not contains')
  expect(at('model = ')).toEqual(['gpt-4o', 'claude'])
  expect(at('model in (claude, g')).toEqual(['gpt-4o'])
  expect(at('status_code = err')).toEqual(['ERROR'])
  expect(at('model = gpt-4o ')).toContain('and')
  expect(at('ttft')).toEqual([])
})

test('what is said of a filter is read back to the same', () => {
  for (const text of ['refund "broken order"', 'model = gpt-4o and (duration_ms > 2000 or status_code = ERROR) refund', 'not model in (a, "b c") or user_id = null', 'not (a b) and model not contains x', 'ts >= 2026-01-01T00:00:00Z model ~ "a|b"'])
    expect(parse(say(parse(text)!)), text).toEqual(parse(text))
})
