import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.env.STUDIO_DATA ?? resolve(fileURLToPath(import.meta.url), '../../../..', 'shared/data');

/**
 * Real data that may not be in the repository: under `$STUDIO_DATA` or `../shared/data`. Undefined where it is
 * absent: the test then skips and says so in its name.
 */
export function dataPath(relative: string): string | undefined {
  const path = resolve(root, relative);
  return existsSync(path) ? path : undefined;
}
