import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RealData } from './data.ts';

/** A folder of real weights in the folder of models that `$STUDIO_MODELS` names. */
export function realModel(name: string): RealData {
  const root = process.env.STUDIO_MODELS;
  if (!root) return { path: '', missing: `no ${name}: STUDIO_MODELS is not set` };
  const path = join(root, name);
  const missing = existsSync(join(path, 'config.json')) ? undefined : `no ${name} in ${root} (STUDIO_MODELS)`;
  return { path, missing };
}
