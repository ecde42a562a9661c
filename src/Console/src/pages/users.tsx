import { written } from '../lists/filter'
import { Heading } from '../ui/bits'
import { useTitle } from '../ui/hooks'
import { DoorList } from '../ui/listing'

export function Users() {
  useTitle('Users')
  return (
    <>
      <Heading title="Users" says="The people behind the traces, with what they cost and what went wrong for them." />
      <DoorList
        door="/api/v1/users" what="users" label="Users" empty="Send a user_id with your events."
        members={['user_id', 'first_at', 'first_seen_at', 'last_at', 'last_seen_at', 'trace_count', 'traces', 'session_count', 'sessions', 'error_count', 'errors', 'total_tokens', 'total_cost_usd', 'scores', 'feedback']}
        links={{ user_id: (u) => ({ to: '/traces', search: { q: `user_id = ${written(String(u.user_id))}` } }) }}
      />
    </>
  )
}
