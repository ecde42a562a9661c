import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { Activity, Bot, Boxes, CircleAlert, Gauge, KeyRound, ListTree, LogOut, Menu, MessagesSquare, Moon, Play, ReceiptText, Settings2, Sun, Users, X, Zap } from 'lucide-react'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { ask, type Session } from './api'
import { isDark, toggleTheme } from './ui/theme'
import { useAsOf } from './ui/as-of'
import { Failed, Loading } from './ui/states'
import { SignIn } from './pages/sign-in'

const SessionOf = createContext<Session | null>(null)

/** Who is signed in; pages are drawn for nobody else. */
export const useSession = () => useContext(SessionOf)!
export const useMay = (scope: string) => {
  const { scopes } = useSession()
  return scopes.includes(scope) || scopes.includes('admin')
}

/** Whether this server has a door. */
export const useOffers = (door: string) => useSession().doors.includes(door)

/** What is `now` alone does not take the time that other pages stand at. */
const places: { to: string; name: string; icon: ReactNode; exact?: boolean; now?: boolean }[][] = [
  [
    { to: '/', name: 'Overview', icon: <Gauge size={16} />, exact: true },
    { to: '/traces', name: 'Traces', icon: <ListTree size={16} /> },
    { to: '/runs', name: 'Runs', icon: <Play size={16} /> },
    { to: '/sessions', name: 'Sessions', icon: <MessagesSquare size={16} /> },
    { to: '/users', name: 'Users', icon: <Users size={16} /> },
    { to: '/failures', name: 'Failures', icon: <CircleAlert size={16} /> },
    { to: '/agents', name: 'Agents', icon: <Bot size={16} />, now: true },
    { to: '/events', name: 'Events', icon: <Zap size={16} /> },
  ],
  [
    { to: '/projections', name: 'Projections', icon: <Boxes size={16} />, now: true },
    { to: '/receipts', name: 'Receipts', icon: <ReceiptText size={16} />, now: true },
    { to: '/settings', name: 'Settings', icon: <Settings2 size={16} />, now: true },
  ],
]

function Places({ went }: { went?: () => void }) {
  const asOf = useAsOf()
  return (
    <nav aria-label="Pages" className="flex flex-col gap-4 p-2">
      {places.map((group, i) => (
        <ul key={i} className="flex flex-col gap-0.5">
          {group.map(({ to, name, icon, exact, now }) => (
            <li key={to}>
              <Link
                to={to} search={{ as_of: now ? undefined : asOf } as never} activeOptions={{ exact: exact ?? false, includeSearch: false }} onClick={went}
                className="flex items-center gap-2.5 rounded-md px-2.5 py-1.5 text-soft hover:bg-raised hover:text-ink [&.active]:bg-tint [&.active]:font-medium [&.active]:text-ink"
              >
                <span aria-hidden>{icon}</span>
                {name}
              </Link>
            </li>
          ))}
        </ul>
      ))}
    </nav>
  )
}

function ThemeButton() {
  const [dark, setDark] = useState(isDark)
  useEffect(() => {
    const changed = () => setDark(isDark())
    window.addEventListener('theme', changed)
    return () => window.removeEventListener('theme', changed)
  }, [])
  return (
    <button type="button" className="rounded p-1.5 text-soft hover:bg-raised" onClick={toggleTheme} aria-label={dark ? 'Use light colours' : 'Use dark colours'} title={dark ? 'Light' : 'Dark'}>
      {dark ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />}
    </button>
  )
}

function Frame({ session, children }: { session: Session; children: ReactNode }) {
  const client = useQueryClient()
  const [open, setOpen] = useState(false)
  const { pathname } = useLocation()
  useEffect(() => setOpen(false), [pathname])
  const signOut = async () => {
    await ask('/app/logout', { method: 'POST', body: {} })
    // Nothing of what was seen stays for whoever signs in next.
    localStorage.removeItem('hindcast-first-key')
    client.setQueryData(['session'], {})
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== 'session' })
  }
  const tools = (
    <div className="flex items-center gap-1">
      <ThemeButton />
      <button type="button" className="rounded p-1.5 text-soft hover:bg-raised" onClick={() => void signOut()} aria-label="Sign out" title="Sign out">
        <LogOut size={16} aria-hidden />
      </button>
    </div>
  )
  return (
    <div className="flex h-full flex-col md:flex-row">
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-panel focus:p-2">Skip to the page</a>
      <header className="flex items-center justify-between border-b border-line bg-panel px-3 py-1.5 md:hidden">
        <button type="button" className="rounded p-1.5" onClick={() => setOpen(!open)} aria-expanded={open} aria-label="Pages">
          {open ? <X size={18} aria-hidden /> : <Menu size={18} aria-hidden />}
        </button>
        <Brand />
        {tools}
      </header>
      <aside aria-label="Console" className={`${open ? 'flex' : 'hidden'} w-full shrink-0 flex-col justify-between overflow-y-auto border-r border-line bg-panel md:flex md:w-48`}>
        <div>
          <div className="hidden px-4 pt-3 pb-1 md:block"><Brand /></div>
          <Places went={() => setOpen(false)} />
        </div>
        <div className="flex items-center justify-between gap-1 border-t border-line px-3 py-2">
          <div className="min-w-0 text-xs" title={`Key ${session.key_id}: ${session.scopes.join(', ')}`}>
            <div className="truncate font-medium">{session.project_id}</div>
            <div className="flex items-center gap-1 text-soft"><KeyRound size={11} aria-hidden />{session.role}</div>
          </div>
          <div className="hidden md:block">{tools}</div>
        </div>
      </aside>
      <main id="main" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col overflow-y-auto p-3 outline-none md:p-5">{children}</main>
    </div>
  )
}

export function Brand() {
  return (
    <span className="inline-flex items-center gap-2 font-semibold tracking-tight">
      <Activity size={18} className="text-accent" aria-hidden />
      Hindcast
    </span>
  )
}

export function Shell() {
  const session = useQuery({ queryKey: ['session'], queryFn: () => ask<Partial<Session>>('/app/session'), staleTime: 60_000 })
  if (session.data && 'scopes' in session.data) {
    const one = session.data as Session
    if (!one.scopes.some((s) => s === 'read' || s === 'admin')) return <SignIn reason="That key may not read: the console needs a key with the scope read." />
    return (
      <SessionOf value={one}>
        <Frame session={one}><Outlet /></Frame>
      </SessionOf>
    )
  }
  if (session.data) return <SignIn />
  return <main className="grid h-full place-items-center">{session.error ? <Failed error={session.error} what="the console" retry={() => void session.refetch()} /> : <Loading />}</main>
}
