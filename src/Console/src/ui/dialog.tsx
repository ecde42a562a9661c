import { AlertDialog, Dialog } from 'radix-ui'
import { X } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'

const veil = 'fixed inset-0 z-40 bg-black/45'
const box = 'card fixed top-1/2 left-1/2 z-50 max-h-[88vh] w-[min(32rem,calc(100vw-1.5rem))] -translate-x-1/2 -translate-y-1/2 overflow-y-auto p-5 shadow-xl'

/** Asks before something that is not taken back by the next click. */
export function Confirm({ trigger, title, children, act, go, danger }: { trigger: ReactElement; title: string; children?: ReactNode; act: string; go: () => void; danger?: boolean }) {
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger asChild>{trigger}</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className={veil} />
        <AlertDialog.Content className={box}>
          <AlertDialog.Title className="text-base font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-soft">{children}</AlertDialog.Description>
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel className="button">Leave it</AlertDialog.Cancel>
            <AlertDialog.Action className={`button ${danger ? 'danger' : 'primary'}`} onClick={go}>{act}</AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}

export function Window({ trigger, title, says, open, change, children }: { trigger?: ReactElement; title: string; says?: string; open: boolean; change: (open: boolean) => void; children: ReactNode }) {
  return (
    <Dialog.Root open={open} onOpenChange={change}>
      {trigger && <Dialog.Trigger asChild>{trigger}</Dialog.Trigger>}
      <Dialog.Portal>
        <Dialog.Overlay className={veil} />
        <Dialog.Content className={box} {...(says ? {} : { 'aria-describedby': undefined })}>
          <div className="mb-3 flex items-start justify-between gap-3">
            <div>
              <Dialog.Title className="text-base font-semibold">{title}</Dialog.Title>
              {says && <Dialog.Description className="text-soft">{says}</Dialog.Description>}
            </div>
            <Dialog.Close className="rounded p-1 text-soft hover:bg-raised" aria-label="Close"><X size={16} aria-hidden /></Dialog.Close>
          </div>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
