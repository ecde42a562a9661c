import './styles.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { setNonce } from 'get-nonce'
import { Refused } from './api'
import { router } from './routes'
import { applyTheme } from './ui/theme'

// Component libraries that bring a style of their own mark it with the nonce of this answer.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce
if (nonce) setNonce(nonce)

applyTheme()

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      // A no stays a no; what was away may be back.
      retry: (failures, error) => failures < 2 && (!(error instanceof Refused) || error.status === 503 || error.status === 0),
      retryDelay: 700,
    },
  },
})

createRoot(document.getElementById('root')!).render(
  <QueryClientProvider client={client}>
    <RouterProvider router={router} />
  </QueryClientProvider>,
)
