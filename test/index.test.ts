import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildIfStale } from '../scripts/build.mjs';
import * as library from '../src/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The names that the built package exports, as a program sees them that imports it by its name. */
function builtExports(entry: string): string[] {
  const code = `console.log(JSON.stringify(Object.keys(await import('${entry}'))))`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: root });
  return JSON.parse(printed.toString()) as string[];
}

describe('the package', () => {
  beforeAll(async () => {
    await buildIfStale();
  });

  it('exports the library under its name', () => {
    expect(builtExports('retriever-studio').sort()).toEqual(Object.keys(library).sort());
  });

  it('exports the host for Node', () => {
    expect(builtExports('retriever-studio/node')).toEqual(
      expect.arrayContaining(['FolderStore', 'openFile', 'openRuntime', 'openTree']),
    );
  });
});
