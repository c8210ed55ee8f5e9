import * as v from 'valibot';
import { readRange, withoutTopFolder, type FileTree } from '../core/source.ts';
import type { HubRecord } from './hub-dataset.ts';

const MAX_BYTES = 2 ** 24;

const recordSchema = v.object({
  hub: v.string(),
  repositories: v.array(
    v.object({
      id: v.string(),
      revision: v.string(),
      license: v.nullable(v.string()),
      files: v.array(
        v.object({
          path: v.string(),
          bytes: v.number(),
          sha256: v.nullable(v.string()),
          gitSha1: v.nullable(v.string()),
        }),
      ),
    }),
  ),
});
const importSchema = v.object({ origins: v.array(recordSchema) });

/**
 * Which data sets of a hub a corpus was made of, as its import.json says. Nothing depends on it, and a file of another
 * form says nothing.
 */
export async function readOrigins(corpus: FileTree): Promise<readonly HubRecord[]> {
  const tree = withoutTopFolder(corpus);
  if (!tree.paths.includes('import.json')) return [];
  const source = await tree.open('import.json');
  if (source.size > MAX_BYTES) return [];
  const text = new TextDecoder().decode(await readRange(source, 0, source.size));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  const read = v.safeParse(importSchema, value);
  return read.success ? read.output.origins : [];
}
