/** What the page remembers beside the store, in the few bytes that are there before any worker is. */

const prefix = 'retriever-studio.';

/** The text kept under a name; undefined where there is none, or the browser keeps nothing for this page. */
export function readPreference(name: string): string | undefined {
  try {
    return localStorage.getItem(`${prefix}${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keeps a text, or forgets it. Where the browser keeps nothing, that is all there is to it.
 * @returns whether it is kept, or gone
 */
export function writePreference(name: string, value: string | undefined): boolean {
  try {
    if (value === undefined) localStorage.removeItem(`${prefix}${name}`);
    // Browsers put off what is written after much was: what is there need not be written again.
    else if (localStorage.getItem(`${prefix}${name}`) !== value) {
      localStorage.setItem(`${prefix}${name}`, value);
    }
    return true;
  } catch {
    // A page that may keep nothing still works; it forgets.
    return false;
  }
}

/** The names under which texts are kept that begin like this. */
export function preferencesNamed(start: string): readonly string[] {
  try {
    return Object.keys(localStorage).flatMap((key) =>
      key.startsWith(`${prefix}${start}`) ? [key.slice(prefix.length)] : [],
    );
  } catch {
    return [];
  }
}
