import { Link, useParams } from '@tanstack/react-router'
import type { ComponentType } from 'react'
import { useMay } from '../shell'
import { Heading } from '../ui/bits'
import { useTitle } from '../ui/hooks'
import { Missing } from '../ui/states'
import { Alerts } from './alerts'
import { Audit } from './audit'
import { Budgets } from './budgets'
import { Keys } from './keys'
import { Limits } from './limits'
import { Members } from './members'
import { Policy } from './policy'
import { Prices } from './prices'
import { Projects } from './projects'
import { Providers } from './providers'
import { Redaction } from './redaction'
import { Retention } from './retention'
import { SavedViews } from './views'

type Section = { name: string; says: string; draw: ComponentType; admin?: boolean }

const sections: Record<string, Section> = {
  keys: { name: 'API keys', says: 'A key is shown once, when it is made. Replace it before it is 90 days old.', draw: Keys, admin: true },
  projects: { name: 'Projects', says: 'Each has its own traces, keys and prices.', draw: Projects },
  providers: { name: 'Providers', says: 'Who serves models through the gateway. A key goes in and never comes out.', draw: Providers, admin: true },
  gateway: { name: 'Gateway', says: 'Retries, fallbacks, cache, and what happens when recording fails.', draw: Policy, admin: true },
  prices: { name: 'Prices', says: 'USD per million tokens. A new price computes history anew.', draw: Prices },
  budgets: { name: 'Budgets', says: 'What a project, a key or a user may use.', draw: Budgets, admin: true },
  limits: { name: 'Limits', says: 'What is in force on this server.', draw: Limits },
  retention: { name: 'Retention', says: 'How long traces are kept.', draw: Retention, admin: true },
  redaction: { name: 'Redaction', says: 'What is blacked out before it is stored.', draw: Redaction, admin: true },
  alerts: { name: 'Alerts', says: 'What is worth waking somebody for.', draw: Alerts, admin: true },
  views: { name: 'Saved views', says: 'Filters with a name.', draw: SavedViews },
  members: { name: 'Members', says: 'Who signs in, and as what.', draw: Members, admin: true },
  audit: { name: 'Audit', says: 'Who did what.', draw: Audit, admin: true },
}

export function Settings() {
  const { section = 'keys' } = useParams({ strict: false }) as { section?: string }
  const chosen = sections[section]
  const may = useMay('admin')
  useTitle(chosen ? `${chosen.name} · Settings` : 'Settings')
  return (
    <div className="flex flex-col gap-4 lg:flex-row">
      <nav aria-label="Settings" className="shrink-0 lg:w-40">
        <ul className="flex flex-wrap gap-1 lg:flex-col">
          {Object.entries(sections).map(([key, { name }]) => (
            <li key={key}><Link to="/settings/$section" params={{ section: key } as never} aria-current={key === section ? 'page' : undefined} className={`block rounded-md px-2.5 py-1.5 ${key === section ? 'bg-tint font-medium' : 'text-soft hover:bg-raised'}`}>{name}</Link></li>
          ))}
        </ul>
      </nav>
      <div className="min-w-0 flex-1">
        {!chosen ? <Missing title="There are no such settings" /> : (
          <>
            <Heading title={chosen.name} says={chosen.says} />
            {chosen.admin && !may ? <Missing title="Only for administrators">Your key has not the scope admin. Sign in with one that has.</Missing> : <chosen.draw />}
          </>
        )}
      </div>
    </div>
  )
}
