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
