import { useQuery } from '@tanstack/react-query'
import type { FormEvent } from 'react'
import { ask } from '../api'
import { Labelled } from '../ui/bits'
import { Of } from '../ui/states'
import { useChange } from './change'

type GatewayPolicy = { attempts: number; backoff_ms: number; longest_backoff_ms: number; fallbacks: string[]; cache: boolean; cache_ttl_seconds: number; fail_closed: boolean }

const figures = [['attempts', 'Attempts per call'], ['backoff_ms', 'First wait between attempts, ms'], ['longest_backoff_ms', 'Longest wait, ms'], ['cache_ttl_seconds', 'Answers are kept for, s']] as const

export function Policy() {
  const policy = useQuery({ queryKey: ['policy'], queryFn: () => ask<GatewayPolicy>('/api/v1/policies/gateway') })
  const put = useChange('policy', (body) => ({ path: '/api/v1/policies/gateway', method: 'PUT', body }))
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault()
    const form = new FormData(e.currentTarget)
    put.mutate({
      ...Object.fromEntries(figures.map(([name]) => [name, Number(form.get(name))])),
      fallbacks: String(form.get('fallbacks') ?? '').split(',').map((f) => f.trim()).filter(Boolean), cache: form.has('cache'), fail_closed: form.has('fail_closed'),
    })
  }
  return (
    <Of query={policy} what="gateway policy">
      {(p) => (
        <form className="card flex max-w-xl flex-col gap-3 p-4" onSubmit={submit} aria-label="Gateway policy">
          <div className="grid gap-3 sm:grid-cols-2">{figures.map(([name, label]) => <Labelled key={name} label={label}><input className="field" type="number" min="0" name={name} defaultValue={p[name]} required /></Labelled>)}</div>
          <Labelled label="Fallbacks, in order, with commas between" hint="Providers or models to try when the first fails."><input className="field" name="fallbacks" defaultValue={p.fallbacks.join(', ')} /></Labelled>
          <label className="flex items-center gap-2"><input type="checkbox" name="cache" defaultChecked={p.cache} />Answer repeated calls from the cache</label>
          <label className="flex items-center gap-2"><input type="checkbox" name="fail_closed" defaultChecked={p.fail_closed} />Refuse calls that cannot be recorded (else they pass, and say so)</label>
          {put.error && <p role="alert" className="text-bad">{put.error.message}</p>}
          <div className="flex items-center gap-3"><button type="submit" className="button primary" disabled={put.isPending}>Save</button>{put.isSuccess && <span role="status" className="text-ok">Saved</span>}</div>
        </form>
      )}
    </Of>
  )
}
