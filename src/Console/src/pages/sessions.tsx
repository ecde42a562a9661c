import { written } from '../lists/filter'
import { Heading } from '../ui/bits'
import { useTitle } from '../ui/hooks'
import { DoorList } from '../ui/listing'

export function Sessions() {
  useTitle('Sessions')
  return (
    <>
      <Heading title="Sessions" says="Conversations: what belongs to one session or thread." />
      <DoorList
        door="/api/v1/sessions" what="sessions" label="Sessions" empty="Send a session_id with your events."
        members={['session_id', 'user_id', 'agent', 'started_at', 'last_at', 'last_activity_at', 'trace_count', 'traces', 'error_count', 'errors', 'total_tokens', 'total_cost_usd', 'duration_ms']}
        links={{ session_id: (s) => ({ to: '/traces', search: { q: `session_id = ${written(String(s.session_id))}` } }), user_id: (s) => ({ to: '/traces', search: { q: `user_id = ${written(String(s.user_id))}` } }) }}
      />
    </>
  )
}
