import { useMutation, useQuery } from '@tanstack/react-query'
import { Download } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { ask } from '../api'
import { bytes, count } from '../format'
import { Menu, MenuItem, MenuLabel } from '../ui/menu'
import { exported, type Format, formats, save } from './export'
import { allRows, type Asked, filterOf } from './rows'

type Job = { job_id: string; status: string; trace_count: number; progress_percent: number; file_size_bytes?: number; download_url?: string; error_message?: string }

const mostRows = 100_000
const mostSpans = 1_000_000
const names: Record<Format, string> = { csv: 'CSV, safe for spreadsheets', jsonl: 'JSON lines', json: 'JSON' }

/** What a list shows, as a file: spans by a job of the server, whole traces page by page. */
export function useExport(name: string, asked: Asked) {
  const [id, setId] = useState<string>()
  const [read, setRead] = useState(0)
  // The job writes what is there now; the past is read page by page, like whole traces.
  const byJob = asked.rows === 'spans' && !asked.asOf
  const begin = useMutation({
    mutationFn: async (format: Format) => {
      if (byJob) setId((await ask<Job>('/api/v1/export/traces', { body: { format, filter: filterOf(asked), limit: mostSpans } })).job_id)
      else save(`${name.toLowerCase()}.${format}`, formats[format], exported(await allRows(asked, mostRows, setRead), format))
    },
  })
  const door = `/api/v1/export/jobs/${id}`
  const { data: job, error } = useQuery({
    queryKey: ['export', id], enabled: id !== undefined, queryFn: () => ask<Job>(door, { fresh: true }), staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: (q) => (q.state.data && !['pending', 'processing'].includes(q.state.data.status) ? false : 300),
  })
  const fetched = useRef<string>(undefined)
  useEffect(() => {
    if (job?.status !== 'completed' || fetched.current === job.job_id) return
    fetched.current = job.job_id
    const link = document.createElement('a')
    link.href = job.download_url!
    link.download = ''
    link.click()
  }, [job])

  const underWay = job?.status === 'pending' || job?.status === 'processing'
  const menu = (
    <Menu label="Export" icon={<Download size={14} aria-hidden />}>
      <MenuLabel>What the filter finds, at most {count(byJob ? mostSpans : mostRows)} {asked.rows}</MenuLabel>
      {(['csv', 'jsonl', 'json'] as const).map((format) => <MenuItem key={format} act={() => begin.mutate(format)}>{names[format]}</MenuItem>)}
    </Menu>
  )
  const failed = begin.error ?? error
  const progress = failed ? `Export failed: ${failed.message}`
    : begin.isPending && !byJob ? `${count(read)} rows …`
    : underWay ? (
      <span className="inline-flex items-center gap-2">
        <progress className="h-2 w-32" max={100} value={job.progress_percent} aria-label="Export" />{count(job.trace_count)} spans, {job.progress_percent} %
        <button type="button" className="underline" onClick={() => void ask(door, { method: 'DELETE' }).catch(() => undefined)}>Cancel</button>
      </span>
    )
    : job ? (job.status === 'completed' ? `Exported ${count(job.trace_count)} spans, ${bytes(job.file_size_bytes)}` : `Export ${job.status}${job.error_message ? `: ${job.error_message}` : ''}`) : null
  return { menu, progress }
}
