import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A folder of real weights under `$STUDIO_MODELS` (a folder of model folders), or undefined where it is absent: the
 * test then skips and says so in its name.
 */
export function modelPath(name: string): string | undefined {
  const root = process.env.STUDIO_MODELS;
  if (!root) return undefined;
  const path = join(root, name);
  return existsSync(join(path, 'config.json')) ? path : undefined;
}
