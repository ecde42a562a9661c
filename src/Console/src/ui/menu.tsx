import { DropdownMenu } from 'radix-ui'
import { Check } from 'lucide-react'
import type { ReactNode } from 'react'

const look = 'flex cursor-pointer items-center gap-2 rounded px-2 py-1 outline-none data-[highlighted]:bg-raised data-[disabled]:opacity-50'

export function Menu({ label, children, icon }: { label: string; children: ReactNode; icon?: ReactNode }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button">{icon}{label}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align="end" sideOffset={4} collisionPadding={8} className="card z-40 max-h-[70vh] min-w-44 overflow-y-auto p-1 shadow-lg">{children}</DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

export const MenuItem = ({ act, children }: { act: () => void; children: ReactNode }) => (
  <DropdownMenu.Item className={look} onSelect={act}>{children}</DropdownMenu.Item>
)

export const MenuCheck = ({ on, act, children }: { on: boolean; act: () => void; children: ReactNode }) => (
  <DropdownMenu.CheckboxItem className={look} checked={on} onCheckedChange={act} onSelect={(e) => e.preventDefault()}>
    <span className="size-3.5" aria-hidden>{on && <Check size={14} />}</span>
    {children}
  </DropdownMenu.CheckboxItem>
)

export const MenuLabel = ({ children }: { children: ReactNode }) => <DropdownMenu.Label className="px-2 py-1 text-xs text-soft">{children}</DropdownMenu.Label>
