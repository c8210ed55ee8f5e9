import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.env.STUDIO_DATA ?? resolve(fileURLToPath(import.meta.url), '../../../..', 'shared/data');

export interface RealData {
  readonly path: string;
  /** Why tests that read it are skipped; undefined where it is there. */
  readonly missing: string | undefined;
}

/** Real data that may not be in the repository: under `$STUDIO_DATA` or `../shared/data`. */
export function realData(relative: string): RealData {
  const path = resolve(root, relative);
  const missing = existsSync(path) ? undefined : `no real data in ${root}; STUDIO_DATA names another folder`;
  return { path, missing };
}
