/** Waiting: for a time of any length, and no longer than until a signal is aborted. */

/** The longest delay that setTimeout takes; a longer one overflows to no delay at all. */
const longestDelay = 2 ** 31 - 1;

/** A promise that is fulfilled from elsewhere. */
export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((fulfill) => (resolve = fulfill));
  return { promise, resolve };
}

/**
 * `setTimeout` for any number of milliseconds.
 * @returns cancels it
 */
export function startTimer(act: () => void, milliseconds: number): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (left: number): void => {
    const next = left > longestDelay ? (): void => wait(left - longestDelay) : act;
    timer = setTimeout(next, Math.min(left, longestDelay));
  };
  wait(milliseconds);
  return () => clearTimeout(timer);
}

/** @throws the signal's reason when it is aborted. */
export async function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  let cancel: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (cancel = startTimer(resolve, seconds * 1000)));
  try {
    await (signal === undefined ? passed : untilAborted(passed, signal));
  } finally {
    cancel();
  }
}

/** The promise, or the signal's reason if that comes first. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Its rejection is unhandled once the signal has won.
  promise.catch(() => undefined);
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    // The reason is the value that the signal was aborted with.
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Lets other work run now and then during a long loop, so that a signal can be aborted in it.
 * @returns to be awaited in every round; throws the signal's reason when it is aborted
 */
export function yielding(signal?: AbortSignal, milliseconds = 20): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    signal?.throwIfAborted();
    if (performance.now() - last < milliseconds) return undefined;
    return sleep(0, signal).then(() => {
      last = performance.now();
    });
  };
}
