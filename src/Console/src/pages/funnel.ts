export type Seen = { name: string; user: string; at: number }

/** For each step, how many users took it after all the steps before it. */
export function funnel(events: Seen[], steps: string[]): number[] {
  const reached = new Map<string, number>()
  for (const e of [...events].sort((a, b) => a.at - b.at)) {
    const step = reached.get(e.user) ?? 0
    if (steps[step] === e.name) reached.set(e.user, step + 1)
  }
  return steps.map((_, i) => [...reached.values()].filter((n) => n > i).length)
}

/** Names of events, those that most users have first: a funnel to begin with. */
export function common(events: Seen[]): string[] {
  const users = new Map<string, Set<string>>()
  for (const e of events) users.set(e.name, (users.get(e.name) ?? new Set()).add(e.user))
  return [...users].sort((a, b) => b[1].size - a[1].size || (a[0] < b[0] ? -1 : 1)).map(([name]) => name)
}
