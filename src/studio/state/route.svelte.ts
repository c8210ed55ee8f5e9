/**
 * Where the user is: `#SCREEN`, `#SCREEN/ITEM` such as `#results/RUN`, or `#SCREEN/ITEM/PART` such as
 * `#own-data/PROJECT/train`. The browser's Back and Forward work.
 */
export class Route {
  #hash = $state(location.hash);
  readonly #parts = $derived(this.#hash.replace(/^#/, '').split('/').map(decodeSafely));
  /** As the address has it; there may be no such screen. */
  readonly screen = $derived(this.#parts[0]);
  /** Which of the things that the screen shows. */
  readonly item = $derived(this.#parts[1] || undefined);
  /** Which part of it. */
  readonly part = $derived(this.#parts[2] || undefined);

  constructor() {
    addEventListener('hashchange', () => (this.#hash = location.hash));
  }

  /** The address of a screen, or of something that it shows, for links. */
  static to(screen: string, ...parts: readonly (string | undefined)[]): string {
    return `#${[screen, ...parts.filter((part) => part !== undefined).map(encodeURIComponent)].join('/')}`;
  }

  go(screen: string, ...parts: readonly string[]): void {
    location.hash = Route.to(screen, ...parts);
    // The event comes later, and what is drawn until then should be of here.
    this.#hash = location.hash;
  }
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
