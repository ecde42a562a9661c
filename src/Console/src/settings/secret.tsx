import { CopyButton } from '../ui/bits'

/** The one time a secret is seen. */
export function Secret({ what, text }: { what: string; text: string | undefined }) {
  if (!text) return null
  return (
    <div role="status" className="card mb-3 border-accent p-3">
      <p className="font-medium">This is the {what}. It is not shown again.</p>
      <div className="mt-2 flex flex-wrap items-center gap-2"><code className="font-mono text-sm break-all">{text}</code><CopyButton text={text} /></div>
    </div>
  )
}
