import { useEffect } from 'react'
import { useLatest } from './hooks'

export type News = { type: 'trace.created' | 'trace.updated'; trace: { trace_id: string }; position: number }

/** Hears of every trace of the project that is made or changes, as soon as it can be read. Opens the socket again when it breaks. */
export function useNews(on: boolean, heard: (news: News) => void, opened?: () => void) {
  const latest = useLatest({ heard, opened })
  useEffect(() => {
    if (!on) return
    let socket: WebSocket | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let wait = 500
    let ended = false

    function open() {
      socket = new WebSocket(`${window.location.protocol === 'https:' ? 'wss' : 'ws'}://${window.location.host}/ws`)
      socket.onopen = () => {
        wait = 500
        // What was said while nobody listened is asked for.
        latest.current.opened?.()
      }
      socket.onmessage = (message) => {
        const said = JSON.parse(String(message.data)) as News
        if (said.type === 'trace.created' || said.type === 'trace.updated') latest.current.heard(said)
      }
      socket.onclose = () => {
        if (ended) return
        timer = setTimeout(open, wait)
        wait = Math.min(wait * 2, 15_000)
      }
    }

    open()
    const ping = setInterval(() => socket?.readyState === WebSocket.OPEN && socket.send('{"type":"ping"}'), 25_000)
    return () => {
      ended = true
      clearTimeout(timer)
      clearInterval(ping)
      if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = () => socket?.close()
      else socket?.close()
    }
  }, [on, latest])
}
