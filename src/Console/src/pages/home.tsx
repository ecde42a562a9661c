import { Navigate } from '@tanstack/react-router'

/** Signed in already: there is nothing to do here. */
export const Home = () => <Navigate to="/" replace />
