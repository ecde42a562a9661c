import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ask } from '../api'

/** Something is changed at a door; what was read from it is read again. */
export function useChange<T = unknown, R = unknown>(key: string, send: (given: T) => { path: string; method?: string; body?: unknown }, done?: (answer: R) => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (given: T) => {
      const { path, method, body } = send(given)
      return ask<R>(path, { method, body: body ?? (method === 'DELETE' ? undefined : {}) })
    },
    onSuccess: async (answer) => {
      done?.(answer)
      await client.invalidateQueries({ queryKey: [key] })
    },
  })
}
