/** A text with the words that were searched for marked. Text goes in and text comes out: nothing in it is ever markup. */
export function Marked({ text, words }: { text: string; words: string[] }) {
  if (words.length === 0) return <>{text}</>
  const looked = words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  // What a stem found is marked to the end of its word.
  return <>{text.split(new RegExp(`((?:${looked})[\\p{L}\\p{N}]*)`, 'giu')).map((part, i) => (i % 2 === 1 ? <mark key={i}>{part}</mark> : part))}</>
}
