/** When the page may do what nobody waits for. */

/** Resolves once the page has been drawn. */
export function firstPaint(): Promise<void> {
  return new Promise((resolve) => {
    // A frame is drawn after its callbacks; a hidden page draws none.
    const afterFrame = (): void => void setTimeout(resolve);
    if (document.hidden) afterFrame();
    else requestAnimationFrame(afterFrame);
  });
}

/** Resolves when the browser has nothing else to do. */
export function idle(): Promise<void> {
  return new Promise((resolve) => {
    if ('requestIdleCallback' in window) requestIdleCallback(() => resolve(), { timeout: 5000 });
    else setTimeout(resolve, 200);
  });
}

/** Whether the user asks pages to load little. */
export function savesData(): boolean {
  // Not in every browser, and not in TypeScript's description of one.
  const { connection } = navigator as { connection?: { readonly saveData?: boolean } };
  return connection?.saveData === true;
}
