import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { plain } from '../format'
import { say } from '../lists/filter'
import { addressOf, viewsOf } from '../lists/views'
import { useMay } from '../shell'
import { At } from '../ui/bits'
import { Confirm } from '../ui/dialog'
import { Empty, Of } from '../ui/states'
import { Table } from '../ui/table'
import { useChange } from './change'

export function SavedViews() {
  const may = useMay('admin')
  const views = useQuery({ queryKey: ['views'], queryFn: viewsOf })
  const forget = useChange<string>('views', (id) => ({ path: `/api/v1/views/${encodeURIComponent(id)}`, method: 'DELETE' }))
  return (
    <>
      {forget.error && <p role="alert" className="mb-2 text-bad">{forget.error.message}</p>}
      <Of query={views} what="saved views">
        {(list) => list.length === 0 ? <Empty title="No view is saved yet">Filter the traces, and save the view from there.</Empty> : (
          <Table
            label="Saved views" rows={list} keyOf={(v) => v.id}
            columns={[
              { name: 'Name', draw: (v) => <Link to="/traces" search={addressOf(v) as never} className="text-accent underline">{plain(v.name)}</Link> },
              { name: 'Shows', draw: (v) => v.rows },
              { name: 'Filter', look: 'max-w-96', draw: (v) => <code className="text-xs break-all">{plain(v.query ?? (v.filter ? say(v.filter) : 'everything'))}</code> },
              { name: 'Order', look: 'whitespace-nowrap', draw: (v) => `${v.sort_by}, ${v.sort_desc ? 'falling' : 'rising'}` },
              { name: 'Saved', look: 'whitespace-nowrap', draw: (v) => <At iso={v.updated_at} /> },
              ...(may ? [{ name: '', draw: (v: (typeof list)[number]) => <Confirm danger trigger={<button type="button" className="button danger">Forget</button>} title={`Forget ${plain(v.name)}?`} act="Forget" go={() => forget.mutate(v.id)}>The traces it shows stay.</Confirm> }] : []),
            ]}
          />
        )}
      </Of>
    </>
  )
}
