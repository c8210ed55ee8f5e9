/** What the page remembers beside the store, in the few bytes that are there before any worker is. */

/** The text kept under a name; undefined where there is none, or the browser keeps nothing for this page. */
export function readPreference(name: string): string | undefined {
  try {
    return localStorage.getItem(`retriever-studio.${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a text, or forgets it. Where the browser keeps nothing, that is all there is to it. */
export function writePreference(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(`retriever-studio.${name}`);
    else localStorage.setItem(`retriever-studio.${name}`, value);
  } catch {
    // A page that may keep nothing still works; it forgets.
  }
}
