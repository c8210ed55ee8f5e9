import { readPreference, writePreference } from './preferences.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof themes)[number];

/** Light or dark: the system's choice unless the user makes one. */
export class Theme {
  #choice = $state<ThemeChoice>(themes.find((theme) => theme === readPreference('theme')) ?? 'system');
  #systemIsDark = $state(false);
  /** What is shown. What draws by itself (charts on a canvas) draws anew when it changes. */
  readonly shown: 'light' | 'dark' = $derived.by(() => {
    if (this.#choice !== 'system') return this.#choice;
    return this.#systemIsDark ? 'dark' : 'light';
  });

  constructor() {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    this.#systemIsDark = dark.matches;
    dark.addEventListener('change', () => (this.#systemIsDark = dark.matches));
    this.#apply();
  }

  get choice(): ThemeChoice {
    return this.#choice;
  }

  set choice(choice: ThemeChoice) {
    this.#choice = choice;
    writePreference('theme', choice === 'system' ? undefined : choice);
    this.#apply();
  }

  #apply(): void {
    const { dataset } = document.documentElement;
    if (this.#choice === 'system') delete dataset.theme;
    else dataset.theme = this.#choice;
  }
}
