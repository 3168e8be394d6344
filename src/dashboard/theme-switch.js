const WORDS = new Map([
  ['auto', 'as the system'],
  ['light', 'light'],
  ['dark', 'dark'],
]);

/**
 * Lets `button` go through the themes, and remembers the choice in this browser. `onChange` is called when the colours have
 * become others, by the button or by the system.
 * @param {HTMLElement} button
 * @param {() => void} onChange
 */
export function switchTheme(button, onChange) {
  const root = document.documentElement;
  const tell = () => {
    const label = `Theme: ${WORDS.get(root.dataset.theme ?? 'auto')}. Change it`;
    button.setAttribute('aria-label', label);
    button.title = label;
  };
  button.addEventListener('click', () => {
    const themes = [...WORDS.keys()];
    const next = themes[(themes.indexOf(root.dataset.theme ?? 'auto') + 1) % themes.length] ?? 'auto';
    root.dataset.theme = next;
    localStorage.setItem('reprise-theme', next);
    tell();
    onChange();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
  tell();
}
