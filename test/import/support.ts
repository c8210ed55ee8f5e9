import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bytesSource,
  missingPath,
  textSource,
  type ByteSource,
  type FileTree,
} from '../../src/core/source.ts';
import { detect, type DetectOptions } from '../../src/import/detect.ts';
import { importCorpus, type ImportOptions, type ImportReport } from '../../src/import/import-corpus.ts';
import type { ImportItem } from '../../src/import/list-files.ts';

type Content = string | Uint8Array;

export function file(name: string, content: Content): ByteSource {
  return typeof content === 'string' ? textSource(name, content) : bytesSource(name, content);
}

/** A file that another program wrote (test/oracle/imports.py). */
export function golden(name: string): ByteSource {
  return bytesSource(name, new Uint8Array(readFileSync(join(import.meta.dirname, '../golden/import', name))));
}

export function folder(name: string, files: Readonly<Record<string, Content | ByteSource>>): FileTree {
  const sources = new Map(
    Object.entries(files).map(([path, content]) => {
      const isContent = typeof content === 'string' || content instanceof Uint8Array;
      return [path, isContent ? file(`${name}/${path}`, content) : content] as const;
    }),
  );
  const tree: FileTree = {
    name,
    paths: [...sources.keys()].sort(),
    open: (path) => {
      const source = sources.get(path);
      return source === undefined ? Promise.reject(missingPath(tree, path)) : Promise.resolve(source);
    },
  };
  return tree;
}

export interface Imported {
  readonly files: ReadonlyMap<string, string>;
  readonly report: ImportReport;
  /** The documents of corpus.jsonl. */
  readonly documents: readonly { readonly _id: string; readonly title: string; readonly text: string }[];
  readonly texts: readonly string[];
}

/** Imports as a host does, and keeps all of it. */
export async function imported(
  items: ImportItem | readonly ImportItem[],
  options: ImportOptions & DetectOptions = {},
): Promise<Imported> {
  const list = 'length' in items ? items : [items];
  const corpus = importCorpus(await detect(list, options), options);
  const files = new Map<string, string>();
  for await (const { path, content } of corpus.files()) {
    let text = '';
    for await (const piece of content) text += piece;
    files.set(path, text);
  }
  const lines = (files.get('corpus.jsonl') ?? '').split('\n').filter((line) => line !== '');
  const documents = lines.map((line) => JSON.parse(line) as Imported['documents'][number]);
  return { files, report: corpus.report(), documents, texts: documents.map(({ text }) => text) };
}
