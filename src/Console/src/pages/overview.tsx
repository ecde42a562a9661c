export const Overview = () => <p>…</p>
