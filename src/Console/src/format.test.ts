import { expect, test } from 'vitest'
import { bytes, count, duration, line, percent, plain, usd } from './format'

test('what is unknown is a dash', () => {
  expect([count(null), usd(undefined), duration(null), percent(null), bytes(null)]).toEqual(['–', '–', '–', '–', '–'])
})

test('money keeps the digits that say something', () => {
  expect([usd(12.4), usd(0.010785), usd(0.0000324), usd(0), usd(1234.5)]).toEqual(['$12.40', '$0.0108', '$0.0000324', '$0', '$1,234.50'])
})

test('durations carry their unit, and no unit overflows into the next', () => {
  expect([duration(0.25), duration(999.4), duration(999.6), duration(1240), duration(59_999), duration(185_000), duration(7_800_000)])
    .toEqual(['0.25 ms', '999 ms', '1.00 s', '1.24 s', '1 min 00 s', '3 min 05 s', '2 h 10 min'])
})

test('control characters and marks of direction become visible', () => {
  expect(plain('\u001b[31mred\u202e\n')).toBe('␛[31mred�\n')
  expect(line('a\n\tb   c')).toBe('a b c')
})
