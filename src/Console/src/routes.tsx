import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { Shell } from './shell'
import { Missing } from './ui/states'

// The server gives the console at / as well; its pages live under /app.
if (window.location.pathname === '/') window.history.replaceState(null, '', `/app/${window.location.search}${window.location.hash}`)

const root = createRootRoute({ component: Shell, notFoundComponent: () => <Missing title="There is no such page">The address may be mistyped.</Missing> })

type Search = Record<string, string | undefined>

function page<const P extends string>(path: P, load: () => Promise<Record<string, unknown>>, name: string) {
  return createRoute({
    getParentRoute: () => root,
    path,
    validateSearch: (search: Record<string, unknown>): Search => Object.fromEntries(Object.entries(search).map(([k, v]) => [k, v == null ? undefined : String(v)])),
    component: lazyRouteComponent(load as () => Promise<Record<string, never>>, name as never),
  })
}

const lists = () => import('./lists/list-page')

export const router = createRouter({
  routeTree: root.addChildren([
    page('/', () => import('./pages/overview'), 'Overview'),
    page('/login', () => import('./pages/home'), 'Home'),
    page('/traces', lists, 'TracesPage'),
    page('/runs', lists, 'RunsPage'),
    page('/traces/$traceId', () => import('./trace/trace-page'), 'TracePage'),
    page('/failures', () => import('./pages/failures'), 'Failures'),
    page('/projections', () => import('./pages/projections'), 'Projections'),
    page('/sessions', () => import('./pages/people'), 'Sessions'),
    page('/users', () => import('./pages/people'), 'Users'),
    page('/agents', () => import('./pages/agents'), 'Agents'),
    page('/agents/$agentId', () => import('./pages/agents'), 'AgentPage'),
    page('/events', () => import('./pages/events'), 'Events'),
    page('/receipts', () => import('./pages/receipts'), 'Receipts'),
    page('/settings', () => import('./settings/settings'), 'Settings'),
    page('/settings/$section', () => import('./settings/settings'), 'Settings'),
    page('/first-run', () => import('./pages/first-run'), 'FirstRunPage'),
  ]),
  basepath: '/app',
  defaultPreload: 'intent',
  // Addresses are for people too: plain pairs, nothing quoted.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const given = Object.entries(search).filter((e): e is [string, string] => e[1] !== undefined && e[1] !== '')
    return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
  },
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
