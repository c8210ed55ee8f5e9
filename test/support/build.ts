import { buildIfStale } from '../../scripts/build.mjs';

/** Brings dist/ up to date, for tests whose threads or processes run compiled code. */
export async function ensureBuilt(): Promise<void> {
  if (!(await buildIfStale())) throw new Error('the build failed, see above');
}
