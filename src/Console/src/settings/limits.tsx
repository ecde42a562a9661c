import { useQuery } from '@tanstack/react-query'
import { ask } from '../api'
import { bytes, count } from '../format'
import { At } from '../ui/bits'
import { Of } from '../ui/states'
import { Table } from '../ui/table'

export function Limits() {
  const limits = useQuery({ queryKey: ['limits'], queryFn: () => ask<Record<string, unknown>>('/limits') })
  const said = (name: string, value: unknown) => (typeof value !== 'number' ? (typeof value === 'string' && /^\d{4}-/.test(value) ? <At iso={value} long /> : String(value)) : /bytes/.test(name) ? bytes(value) : count(value))
  const unit = (name: string) => (/seconds/.test(name) ? ' s' : /hours/.test(name) ? ' h' : '')
  return (
    <Of query={limits} what="limits">
      {(all) => (
        <Table
          label="Limits" rows={Object.entries(all)}
          columns={[
            { name: 'Limit', draw: ([name]) => name.replace(/_bytes$/, ' size').replace(/_seconds$/, ' time').replace(/_hours$/, '').replace(/_/g, ' ').replace(/^./, (c) => c.toUpperCase()) },
            { name: 'Value', n: true, draw: ([name, value]) => <>{said(name, value)}{unit(name)}</> },
          ]}
        />
      )}
    </Of>
  )
}
