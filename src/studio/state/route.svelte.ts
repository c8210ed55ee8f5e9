export const screens = ['demo', 'own-data', 'recipes', 'results'] as const;
export type Screen = (typeof screens)[number];

export const screenTitles: Readonly<Record<Screen, string>> = {
  demo: 'Demo',
  'own-data': 'Own data',
  recipes: 'Recipes',
  results: 'Results',
};

/** Where the user is: `#demo`, `#own-data`, `#recipes`, `#results` or `#results/RUN`. The browser's Back and Forward work. */
export class Route {
  #hash = $state(location.hash);
  readonly screen: Screen = $derived.by(() => {
    const [name] = this.#hash.slice(1).split('/');
    return screens.find((screen) => screen === name) ?? 'demo';
  });
  /** The training that the results are of. */
  readonly runId: string | undefined = $derived.by(() => {
    const [, ...rest] = this.#hash.slice(1).split('/');
    return this.screen === 'results' && rest.length > 0 ? decodeSafely(rest.join('/')) : undefined;
  });

  constructor() {
    addEventListener('hashchange', () => (this.#hash = location.hash));
  }

  /** The address of a screen, for links. */
  static to(screen: Screen, runId?: string): string {
    return runId === undefined ? `#${screen}` : `#${screen}/${encodeURIComponent(runId)}`;
  }

  go(screen: Screen, runId?: string): void {
    location.hash = Route.to(screen, runId);
  }
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
