import ts from 'typescript';
import { scriptOf } from './sources.ts';

/** The folders of src/ in their order: a folder may use itself and those before it. */
export const layers = [
  'core',
  'formats',
  'host',
  'graph',
  'corpus',
  'losses',
  'metrics',
  'encoders',
  'retrieval',
  'import',
  'training',
  'generation',
  'lists',
  'pipeline',
  'studio',
  'cli',
] as const;

/** What touches the outside world, and who alone may use it. */
const hosts: Readonly<Record<string, readonly string[]>> = {
  'src/host/node': ['src/host/node', 'src/cli', 'src/node.ts', 'workers'],
  'src/host/browser': ['src/host/browser', 'src/studio/window', 'src/studio/worker', 'workers'],
};

/** Who may use what speaks to the outside world. */
const packages: readonly { readonly name: RegExp; readonly users: readonly string[] }[] = [
  { name: /^onnxruntime-node(\/|$)/, users: ['src/host/node', 'src/cli', 'workers'] },
  { name: /^onnxruntime-(web|common)(\/|$)/, users: ['src/host/browser'] },
  { name: /^node:/, users: ['src/host/node', 'src/cli', 'workers'] },
  { name: /^(commander|cli-progress)$/, users: ['src/cli'] },
];

/** Node's modules under their old names, which would slip past a search for `node:`. */
const bareBuiltins =
  /^(assert|buffer|child_process|crypto|events|fs|http|https|net|os|path|perf_hooks|process|stream|url|util|v8|vm|worker_threads|zlib)(\/|$)/;

/**
 * Finds the imports that the architecture forbids.
 * @param sources - The text of each source file by its path from the root of the project, with forward slashes.
 * @returns One line for each violation, sorted.
 */
export function findForbiddenImports(sources: ReadonlyMap<string, string>): string[] {
  const violations: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [file, text] of sources) {
    const targets: string[] = [];
    for (const specifier of new Set(importsOf(file, text))) {
      if (!specifier.startsWith('.')) {
        const complaint = judgePackage(file, specifier);
        if (complaint !== undefined) violations.push(complaint);
        continue;
      }
      const target = resolve(file, specifier);
      if (!sources.has(target)) {
        violations.push(`${file} imports ${target}, which is not among the sources`);
        continue;
      }
      targets.push(target);
      const complaint = judgeFile(file, target);
      if (complaint !== undefined) violations.push(complaint);
    }
    graph.set(file, targets);
  }
  return [...violations, ...findCircles(graph)].sort();
}

/** Everything a file names as a module: import and export declarations, import(), import types. */
function importsOf(file: string, text: string): string[] {
  const specifiers: string[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) specifiers.push(specifier.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, scriptOf(file, text), ts.ScriptTarget.Latest));
  return specifiers;
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return node.arguments[0];
  return undefined;
}

function judgePackage(file: string, specifier: string): string | undefined {
  if (bareBuiltins.test(specifier)) return `${file} imports ${specifier}: write node:${specifier}`;
  const rule = packages.find(({ name }) => name.test(specifier));
  if (rule === undefined || isIn(file, rule.users)) return undefined;
  return `${file} imports ${specifier}, which only ${rule.users.join(', ')} may`;
}

function judgeFile(file: string, target: string): string | undefined {
  for (const [host, users] of Object.entries(hosts)) {
    if (isIn(target, [host]) && !isIn(file, users)) {
      return `${file} imports ${target}, which only ${users.join(', ')} may`;
    }
  }
  if (!target.startsWith('src/')) {
    return isIn(file, ['workers']) ? undefined : `${file} imports ${target}, which lies outside src/`;
  }
  const from = layerOf(file);
  // The entries, workers/ and src/index.ts, hand all parts out.
  if (from === undefined) return undefined;
  const to = layerOf(target);
  if (to === undefined || to > from)
    return `${file} imports ${target}, which comes after it in the order of the folders`;
  return undefined;
}

/** The place of the file's folder in {@link layers}; undefined for files that lie in none. */
function layerOf(file: string): number | undefined {
  const folder = /^src\/([^/]+)\//.exec(file)?.[1];
  const index = layers.findIndex((layer) => layer === folder);
  return index === -1 ? undefined : index;
}

function isIn(file: string, folders: readonly string[]): boolean {
  return folders.some((folder) => file === folder || file.startsWith(`${folder}/`));
}

function resolve(file: string, specifier: string): string {
  return new URL(specifier, `file:///${file}`).pathname.slice(1);
}

/** Each circle once, told from its first file: an import of types alone closes one as well. */
function findCircles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles = new Set<string>();
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start !== -1) {
      circles.add(describeCircle(path.slice(start)));
      return;
    }
    if (finished.has(file)) return;
    path.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    path.pop();
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return [...circles];
}

function describeCircle(files: readonly string[]): string {
  const first = files.reduce(
    (smallest, file, index) => (file < (files[smallest] ?? file) ? index : smallest),
    0,
  );
  const ordered = [...files.slice(first), ...files.slice(0, first)];
  return `circle: ${[...ordered, ordered[0]].join(' → ')}`;
}
