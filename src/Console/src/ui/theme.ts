/** Dark or light: what the system says, unless somebody chose. */
const name = 'hindcast-theme'

const chosen = (): 'dark' | 'light' | null => {
  try {
    const kept = localStorage.getItem(name)
    return kept === 'dark' || kept === 'light' ? kept : null
  } catch {
    return null
  }
}

const system = window.matchMedia('(prefers-color-scheme: dark)')

export const isDark = () => (chosen() ?? (system.matches ? 'dark' : 'light')) === 'dark'

export function applyTheme() {
  document.documentElement.classList.toggle('dark', isDark())
  window.dispatchEvent(new Event('theme'))
}

export function toggleTheme() {
  try {
    localStorage.setItem(name, isDark() ? 'light' : 'dark')
  } catch {
    // Kept nowhere; the system's choice stays.
  }
  applyTheme()
}

system.addEventListener('change', applyTheme)
