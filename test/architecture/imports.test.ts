import { describe, expect, it } from 'vitest';
import { findForbiddenImports, layers } from './imports.ts';
import { readSources } from './sources.ts';

/** The violations of a project that has these files. */
function check(sources: Readonly<Record<string, string>>): string[] {
  return findForbiddenImports(new Map(Object.entries(sources)));
}

describe('the sources', () => {
  const sources = readSources();

  it('are found', () => {
    expect(sources.has('src/host/contract.ts')).toBe(true);
  });

  it('lie in the folders of the architecture', () => {
    const strangers = [...sources.keys()].filter(
      (file) =>
        file !== 'src/index.ts' &&
        file !== 'src/node.ts' &&
        !file.startsWith('workers/') &&
        !layers.some((layer) => file.startsWith(`src/${layer}/`)),
    );
    expect(strangers).toEqual([]);
  });

  it('import only what comes before them, close no circle and leave the host to its folder', () => {
    expect(findForbiddenImports(sources)).toEqual([]);
  });
});

describe('the check', () => {
  const random = { 'src/core/random.ts': 'export const random = 4;' };
  const loss = { 'src/losses/infonce.ts': 'export const loss = 1;' };

  it('lets a folder use those before it, and the entries use everything', () => {
    expect(
      check({
        ...random,
        ...loss,
        'src/losses/triplet.ts': `import { loss } from './infonce.ts'; import { random } from '../core/random.ts';`,
        'src/host/node/files.ts': `import { readFileSync } from 'node:fs'; import type { R } from '../../core/random.ts';`,
        'src/cli/main.ts': `import { files } from '../host/node/files.ts'; import { Command } from 'commander';`,
        'src/index.ts': `export * from './losses/infonce.ts';`,
        'workers/pool.ts': `import { parentPort } from 'node:worker_threads'; import '../src/host/node/files.ts';`,
      }),
    ).toEqual([]);
  });

  it.each([
    ['import', `import { loss } from '../losses/infonce.ts';`],
    ['import of a type', `import type { Loss } from '../losses/infonce.ts';`],
    ['export', `export { loss } from '../losses/infonce.ts';`],
    ['import()', `const loss = await import('../losses/infonce.ts');`],
    ['import() of a type', `type Loss = import('../losses/infonce.ts').Loss;`],
  ])('catches an %s against the order', (_, code) => {
    expect(check({ ...loss, 'src/graph/nodes.ts': code })).toEqual([
      'src/graph/nodes.ts imports src/losses/infonce.ts, which comes after it in the order of the folders',
    ]);
  });

  it('catches a part that uses the entry, or a file outside src/', () => {
    expect(
      check({
        'src/index.ts': `export const version = 1;`,
        'workers/pool.ts': `export const pool = 1;`,
        'src/cli/main.ts': `import '../index.ts'; import '../../workers/pool.ts';`,
      }),
    ).toEqual([
      'src/cli/main.ts imports src/index.ts, which comes after it in the order of the folders',
      'src/cli/main.ts imports workers/pool.ts, which lies outside src/',
    ]);
  });

  it('catches a part that knows its host', () => {
    expect(
      check({
        'src/host/node/store.ts': '',
        'src/host/browser/store.ts': '',
        'src/training/trainer.ts': `import '../host/node/store.ts';`,
        'src/cli/train.ts': `import '../host/browser/store.ts';`,
        'src/cli/io.ts': '',
        'src/host/node/progress.ts': `import '../../cli/io.ts';`,
      }),
    ).toEqual([
      'src/cli/train.ts imports src/host/browser/store.ts, which only src/host/browser, src/studio/window, src/studio/worker, workers may',
      'src/host/node/progress.ts imports src/cli/io.ts, which comes after it in the order of the folders',
      'src/training/trainer.ts imports src/host/node/store.ts, which only src/host/node, src/cli, src/node.ts, workers may',
    ]);
  });

  it('catches a screen that knows its browser: what it needs of a window is in studio/window/', () => {
    const name = `export type { File } from '../../host/browser/files.ts';`;
    expect(
      check({
        'src/host/browser/files.ts': '',
        'src/studio/worker/kept.ts': name,
        'src/studio/window/dropped.ts': name,
        'src/studio/pages/Data.svelte': `<script lang="ts">${name}</script>`,
      }),
    ).toEqual([
      'src/studio/pages/Data.svelte imports src/host/browser/files.ts, which only src/host/browser, src/studio/window, src/studio/worker, workers may',
    ]);
  });

  it.each(['node:fs', 'node:fs/promises', 'onnxruntime-node', 'onnxruntime-web/webgpu', 'commander'])(
    'catches a part that imports %s',
    (name) => {
      expect(check({ 'src/retrieval/bm25.ts': `import '${name}';` })).toEqual([
        expect.stringContaining(`src/retrieval/bm25.ts imports ${name}, which only`),
      ]);
    },
  );

  it('catches a module of Node under its old name', () => {
    expect(check({ 'src/host/node/files.ts': `import { join } from 'path';` })).toEqual([
      'src/host/node/files.ts imports path: write node:path',
    ]);
  });

  it('catches circles, each once', () => {
    expect(
      check({
        'src/graph/a.ts': `import './b.ts';`,
        'src/graph/b.ts': `import type { C } from './c.ts';`,
        'src/graph/c.ts': `import './a.ts'; import './c.ts';`,
        'src/graph/d.ts': `import './a.ts';`,
      }),
    ).toEqual([
      'circle: src/graph/a.ts → src/graph/b.ts → src/graph/c.ts → src/graph/a.ts',
      'circle: src/graph/c.ts → src/graph/c.ts',
    ]);
  });

  it('catches an import of a file that is not there', () => {
    expect(check({ 'src/graph/a.ts': `import './gone.ts';` })).toEqual([
      'src/graph/a.ts imports src/graph/gone.ts, which is not among the sources',
    ]);
  });

  it('reads the scripts of components', () => {
    expect(
      check({
        'src/cli/io.ts': '',
        'src/studio/styles/page.css': '@import "node:fs";',
        'src/studio/App.svelte': `<script lang="ts">\n  import './styles/page.css';\n  import '../cli/io.ts';\n</script>\n<p>import 'node:fs'</p>`,
      }),
    ).toEqual([
      'src/studio/App.svelte imports src/cli/io.ts, which comes after it in the order of the folders',
    ]);
  });

  it('is not fooled by comments and strings', () => {
    expect(check({ 'src/graph/a.ts': `// import 'node:fs';\nconst text = "import 'node:fs'";` })).toEqual([]);
  });
});
