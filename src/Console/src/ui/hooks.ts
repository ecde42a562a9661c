import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react'

/** A piece of a page's state that lives in its address. */
export function useParam(name: string, otherwise = ''): [string, (value: string | undefined) => void] {
  const search = useSearch({ strict: false }) as Record<string, string | undefined>
  const navigate = useNavigate()
  const set = useCallback(
    (value: string | undefined) =>
      void navigate({ to: '.', search: ((before: Record<string, string | undefined>) => ({ ...before, [name]: value === otherwise ? undefined : value })) as never, replace: true }),
    [navigate, name, otherwise],
  )
  return [search[name] ?? otherwise, set]
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = window.matchMedia(query)
      media.addEventListener('change', changed)
      return () => media.removeEventListener('change', changed)
    },
    () => window.matchMedia(query).matches,
  )
}

export const useNarrow = () => useMedia('(max-width: 767px)')

/** The time now, told again every so often. */
export function useNow(every = 10_000): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every)
    return () => clearInterval(timer)
  }, [every])
  return now
}

export function useLatest<T>(value: T) {
  const ref = useRef(value)
  ref.current = value
  return ref
}

/** The title of the window. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · Hindcast`
  }, [title])
}
