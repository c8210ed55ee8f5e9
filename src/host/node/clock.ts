import type { Clock } from '../contract.ts';

/** Milliseconds since the process started; setting the system's clock does not move it. */
export const nodeClock: Clock = { now: () => performance.now() };
