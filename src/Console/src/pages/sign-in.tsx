import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { ask } from '../api'
import { Brand } from '../shell'

/** A key for a cookie. The link printed at the start carries its token behind the #, and is used up by opening it. */
export function SignIn({ reason }: { reason?: string }) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [key, setKey] = useState('')
  const [wrong, setWrong] = useState(reason)
  const [busy, setBusy] = useState(false)
  const tried = useRef(false)

  async function enter(shown: { key: string } | { name: string; secret: string } | { token: string }) {
    setBusy(true)
    try {
      await ask('/app/login', { body: shown })
      setWrong(undefined)
      await client.resetQueries({ queryKey: ['session'] })
    } catch (e) {
      setWrong('token' in shown ? 'This link was used already, or is older than an hour. Sign in with a key.' : e instanceof Error ? e.message : 'That did not work.')
    } finally {
      setBusy(false)
    }
  }

  useEffect(() => {
    const token = window.location.hash.slice(1)
    if (tried.current || !token || !window.location.pathname.endsWith('/login')) return
    tried.current = true
    window.history.replaceState(null, '', '/app/login')
    void enter({ token })
  })

  const submit = (e: FormEvent) => {
    e.preventDefault()
    void enter(name ? { name, secret: key } : { key })
  }
  return (
    <main className="grid h-full place-items-center p-4">
      <form onSubmit={submit} className="card flex w-full max-w-sm flex-col gap-4 p-6">
        <Brand />
        <div>
          <h1 className="text-lg font-semibold">Sign in</h1>
          <p className="text-soft">With a key of a project, or your name and secret. An admin key was shown when the server first started.</p>
        </div>
        <label className="flex flex-col gap-1">
          <span className="font-medium">Name <span className="font-normal text-soft">(members)</span></span>
          <input className="field" autoComplete="username" value={name} onChange={(e) => setName(e.target.value)} />
        </label>
        <label className="flex flex-col gap-1">
          <span className="font-medium">Key or secret</span>
          <input className="field font-mono" type="password" autoComplete="current-password" required value={key} onChange={(e) => setKey(e.target.value)} aria-describedby="wrong" />
        </label>
        <p id="wrong" role="alert" className="text-bad empty:hidden">{wrong}</p>
        <button type="submit" className="button primary" disabled={busy}>{busy ? 'Signing in …' : 'Sign in'}</button>
      </form>
    </main>
  )
}
