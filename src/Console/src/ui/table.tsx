import type { ReactNode } from 'react'

/** A column: its name ('' for what is done with a row), how a row's cell is drawn, and whether it is a number. */
export type Col<T> = { name: string; draw: (row: T) => ReactNode; n?: boolean; look?: string }

/** A table that scrolls sideways by itself, by keyboard too; on a narrow screen each row is a card of names and values. */
export function Table<T>({ label, rows, columns, keyOf }: { label: string; rows: T[]; columns: Col<T>[]; keyOf?: (row: T) => string | number }) {
  // Roles are said outright: a row that is laid out as a card is still a row.
  return (
    <div className="card relative overflow-x-auto" role="region" aria-label={label} tabIndex={0}>
      <table className="table stacks" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">{columns.map((c) => <th key={c.name} role="columnheader" scope="col" className={c.n ? 'n' : ''}>{c.name || <span className="sr-only">Actions</span>}</th>)}</tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row, i) => (
            <tr key={keyOf?.(row) ?? i} role="row">
              {columns.map((c) => <td key={c.name} role="cell" data-name={c.name} className={`${c.n ? 'n' : ''} ${c.look ?? ''}`}><div>{c.draw(row)}</div></td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
