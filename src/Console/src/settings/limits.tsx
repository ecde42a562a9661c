import { useQuery } from '@tanstack/react-query'
import { ask } from '../api'
import { bytes, count } from '../format'
import { Sheet } from '../ui/bits'
import { Of } from '../ui/states'

export function Limits() {
  const limits = useQuery({ queryKey: ['limits'], queryFn: () => ask<Record<string, unknown>>('/limits') })
  const said = (name: string, value: unknown) => (typeof value !== 'number' ? String(value) : /bytes/.test(name) ? bytes(value) : count(value))
  const unit = (name: string) => (/seconds/.test(name) ? 's' : /hours/.test(name) ? 'h' : /per_minute/.test(name) ? 'a minute' : '')
  return (
    <Of query={limits} what="limits">
      {(all) => (
        <Sheet label="Limits">
          <thead><tr><th scope="col">Limit</th><th scope="col" className="n">Value</th><th scope="col">Unit</th></tr></thead>
          <tbody>{Object.entries(all).map(([name, value]) => <tr key={name}><td>{name.replace(/_/g, ' ')}</td><td className="n">{said(name, value)}</td><td className="text-soft">{unit(name)}</td></tr>)}</tbody>
        </Sheet>
      )}
    </Of>
  )
}
