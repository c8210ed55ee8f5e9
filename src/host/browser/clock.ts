import type { Clock } from '../contract.ts';

/** Milliseconds since the page or worker started; setting the system's clock does not move it. */
export const browserClock: Clock = { now: () => performance.now() };
