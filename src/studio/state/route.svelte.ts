/** Where the user is: `#SCREEN` or `#SCREEN/ITEM`, such as `#results/RUN`. The browser's Back and Forward work. */
export class Route {
  #hash = $state(location.hash);
  readonly #parts = $derived(/^#([^/]*)\/?(.*)$/.exec(this.#hash));
  /** As the address has it; there may be no such screen. */
  readonly screen = $derived(this.#parts?.[1]);
  /** Which of the things that the screen shows. */
  readonly item = $derived(decodeSafely(this.#parts?.[2] ?? '') || undefined);

  constructor() {
    addEventListener('hashchange', () => (this.#hash = location.hash));
  }

  /** The address of a screen, for links. */
  static to(screen: string, item?: string): string {
    return item === undefined ? `#${screen}` : `#${screen}/${encodeURIComponent(item)}`;
  }

  go(screen: string, item?: string): void {
    location.hash = Route.to(screen, item);
  }
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
