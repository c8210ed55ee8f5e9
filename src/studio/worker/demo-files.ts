import { bytesSource, missingPath, type FileTree } from '../../core/source.ts';
import { fetchOwnFile } from '../../host/browser/download.ts';
import type { FetchProgress } from '../../host/contract.ts';
import type { DownloadOptions } from '../../host/download.ts';

/** What the demo's folder may hold: no server lists its files. */
const paths = [
  'corpus.jsonl',
  'dev-lists.jsonl',
  'lists.jsonl',
  'qrels/dev.tsv',
  'qrels/test.tsv',
  'qrels/train.tsv',
  'queries.jsonl',
  'recorded-graded.jsonl',
  'recorded-negatives.jsonl',
  'recorded-queries.jsonl',
  'recorded-written.jsonl',
  'recorded.jsonl',
  'teacher-scores.tsv',
  'teacher-vectors.safetensors',
];

/** The corpus that comes with the page. Each file is fetched once, when it is first read. */
export function demoFiles(
  base: URL,
  onProgress: (progress: FetchProgress) => void,
  options: Pick<DownloadOptions, 'retryMs'> = {},
): FileTree {
  const fetched = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  const tree: FileTree = {
    name: 'demo',
    paths,
    open: async (path) => {
      if (!paths.includes(path)) throw missingPath(tree, path);
      const file = `demo/${path}`;
      const bytes =
        fetched.get(path) ?? fetchOwnFile({ ...options, url: new URL(file, base), file, onProgress });
      fetched.set(path, bytes);
      try {
        return bytesSource(file, await bytes);
      } catch (error) {
        fetched.delete(path);
        throw error;
      }
    },
  };
  return tree;
}
