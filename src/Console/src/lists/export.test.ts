import { expect, test } from 'vitest'
import type { Row } from '../api'
import { cell, exported } from './export'

test('no cell is a formula', () => {
  for (const formula of ['=1+1', '+cmd', '-2', '@SUM(A1)', '\t=1', ' =1', '|x', '%y']) expect(cell(formula), formula).toBe(`"'${formula}"`)
  expect(cell('plain, "quoted"\n')).toBe('"plain, ""quoted""\n"')
  expect([cell(3), cell(undefined), cell({ a: 1 })]).toEqual(['3', '', '"{""a"":1}"'])
})

test('rows with differing members share one head', () => {
  const rows = [{ trace_id: 'a', ts: 't', status_code: 'ERROR' }, { trace_id: 'b', ts: 't', status_code: 'SUCCESS', model: '=x' }] as Row[]
  expect(exported(rows, 'csv').split('\r\n')).toEqual(['trace_id,ts,status_code,model', '"a","t","ERROR",', '"b","t","SUCCESS","\'=x"'])
})
