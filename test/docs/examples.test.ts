import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = resolve(fileURLToPath(import.meta.url), '../../..');

/** The TypeScript blocks of a page, by the file that each would be. */
function examplesOf(page: string): Map<string, string> {
  const text = readFileSync(`${root}/${page}`, 'utf8');
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code ?? '');
  return new Map(blocks.map((code, i) => [`${root}/example-${i + 1}.ts`, `${code}\nexport {};\n`]));
}

/** What the compiler says of the examples, each with the page's own package names. */
function complaints(examples: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(`${root}/tsconfig.json`, (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root);
  options.paths = {
    'retriever-studio': [`${root}/src/index.ts`],
    'retriever-studio/node': [`${root}/src/host/node/index.ts`],
  };
  // An example may show a value without using it.
  options.noUnusedLocals = false;
  const host = ts.createCompilerHost(options);
  const read = host.readFile.bind(host);
  const exists = host.fileExists.bind(host);
  host.readFile = (file) => examples.get(file) ?? read(file);
  host.fileExists = (file) => examples.has(file) || exists(file);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (file, ...rest) => {
    const example = examples.get(file);
    return example === undefined
      ? getSourceFile(file, ...rest)
      : ts.createSourceFile(file, example, ts.ScriptTarget.Latest);
  };
  const program = ts.createProgram([...examples.keys()], options, host);
  return [...examples.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((item) => `${file}: ${ts.flattenDiagnosticMessageText(item.messageText, ' ')}`);
  });
}

it('the examples of docs/library.md compile', () => {
  const examples = examplesOf('docs/library.md');
  expect(examples.size).toBeGreaterThan(2);
  expect(complaints(examples)).toEqual([]);
});

it('an example that does not compile is found', () => {
  const wrong = `import { evaluate } from 'retriever-studio';\nevaluate('no judgments');`;
  expect(complaints(new Map([[`${root}/example-1.ts`, wrong]]))).toEqual([
    expect.stringContaining('Expected 3-4 arguments, but got 1'),
  ]);
});
