import { useQueryClient } from '@tanstack/react-query'
import { CircleAlert, CircleSlash, Inbox, LoaderCircle, Lock } from 'lucide-react'
import type { ReactNode } from 'react'
import { Refused } from '../api'

function State({ icon, title, children, role }: { icon: ReactNode; title: string; children?: ReactNode; role?: 'alert' | 'status' }) {
  return (
    <div role={role} className="flex flex-col items-center justify-center gap-2 px-4 py-14 text-center">
      <span className="text-soft" aria-hidden>{icon}</span>
      <p className="font-semibold">{title}</p>
      {children && <div className="max-w-prose text-soft">{children}</div>}
    </div>
  )
}

export const Loading = ({ what = 'Loading' }: { what?: string }) => (
  <State role="status" icon={<LoaderCircle className="animate-spin motion-reduce:animate-none" />} title={`${what} …`} />
)

export const Empty = ({ title, children }: { title: string; children?: ReactNode }) => <State icon={<Inbox />} title={title}>{children}</State>

export const Missing = ({ title, children }: { title: string; children?: ReactNode }) => <State icon={<CircleSlash />} title={title}>{children}</State>

/** What went wrong, by kind: not allowed, not built into this server, or truly an error. */
export function Failed({ error, what, retry }: { error: unknown; what: string; retry?: () => void }) {
  const client = useQueryClient()
  if (error instanceof Refused && error.status === 401) {
    // The key has ended: ask who is signed in, and the shell shows the way in.
    void client.invalidateQueries({ queryKey: ['session'] })
    return <Loading what="Signing out" />
  }
  if (error instanceof Refused && error.status === 403)
    return <State role="status" icon={<Lock />} title={`Your key may not see ${what}`}>{error.message} Sign in with a key that has the scope.</State>
  if (error instanceof Refused && (error.status === 404 || error.status === 405)) return <Missing title={`No ${what} on this server`}>This server does not offer them.</Missing>
  return (
    <State role="alert" icon={<CircleAlert />} title={`${what[0]!.toUpperCase()}${what.slice(1)} could not be loaded`}>
      <p>{error instanceof Error ? error.message : 'Something unexpected happened.'}</p>
      {retry && <button type="button" className="button mt-3" onClick={retry}>Try again</button>}
    </State>
  )
}

type Query<T> = { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown }

/** A query's four states in one place; the fifth, emptiness, is the page's own to word. */
export function Of<T>({ query, what, children }: { query: Query<T>; what: string; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data)
  if (query.error) return <Failed error={query.error} what={what} retry={() => void query.refetch()} />
  return <Loading what={`Loading ${what}`} />
}
