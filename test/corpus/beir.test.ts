import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { beirSplits, readBeir } from '../../src/corpus/beir.ts';
import type { FileTree } from '../../src/core/source.ts';
import { bytesSource, missingPath, textSource } from '../../src/core/source.ts';
import { openZip } from '../../src/formats/zip.ts';
import { openTree } from '../../src/host/node/files.ts';
import { realData } from '../support/data.ts';
import { collect, refused } from './support.ts';
import { describeUnless } from '../support/skip.ts';

function treeOf(files: Record<string, string>): FileTree {
  const tree: FileTree = {
    name: 'set',
    paths: Object.keys(files).sort(),
    open: (path) => {
      const text = files[path];
      return text === undefined
        ? Promise.reject(missingPath(tree, path))
        : Promise.resolve(textSource(`set/${path}`, text));
    },
  };
  return tree;
}

const files = {
  'corpus.jsonl': '{"_id": "d1", "title": "T", "text": "x"}\n{"_id": "d2", "title": "T", "text": ""}\n',
  'queries.jsonl': '{"_id": "q1", "text": "a"}\n{"_id": "q2", "text": "b"}\n{"_id": "q3", "text": "c"}\n',
  'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq2\td1\t1\nq1\td9\t1\nq1\td8\t0\nq9\td2\t1\n',
  'qrels/dev.tsv': 'query-id\tcorpus-id\tscore\nq3\td1\t1\n',
};

describe('readBeir', () => {
  it('reads queries and judgments of a split, streams documents, and counts what does not fit', async () => {
    const dataset = await readBeir(treeOf(files));
    expect(dataset.queries.map(({ id }) => id)).toEqual(['q1', 'q2']);
    expect(dataset.judgments.get('q2')?.get('d1')).toBe(1);
    for (let round = 0; round < 2; round++) {
      expect((await collect(dataset.documents())).map(({ id }) => id)).toEqual(['d1', 'd2']);
      expect(dataset.report).toMatchObject({
        documents: 2,
        emptyTexts: 0,
        judgmentsOfUnknownDocuments: 2,
        judgedUnknownQueries: 1,
      });
    }
    expect(dataset.report.warnings()).toHaveLength(2);
    const textOnly = await readBeir(treeOf(files), { split: 'dev', titles: false });
    await collect(textOnly.documents());
    expect(textOnly.report).toMatchObject({ emptyTexts: 1, judgmentsOfUnknownDocuments: 0 });
  });

  it('reads a zip with a folder around everything', async () => {
    const encoder = new TextEncoder();
    const entries = Object.entries(files).map(
      ([path, text]) => [`set/${path}`, encoder.encode(text)] as const,
    );
    const zip = zipSync({ 'set/': new Uint8Array(0), ...Object.fromEntries(entries) });
    const dataset = await readBeir(await openZip(bytesSource('set.zip', zip)));
    expect(await collect(dataset.documents())).toHaveLength(2);
  });

  it('says what is missing and what is there', async () => {
    expect(await refused(readBeir(treeOf({ 'a.txt': '' })))).toContain('set: has no corpus.jsonl');
    expect(await refused(readBeir(treeOf({ 'inner.zip': '' })))).toContain('Use inner.zip itself');
    expect(await refused(readBeir(treeOf(files), { split: 'train' }))).toBe(
      'set: has no judgments for the split "train" (qrels/train.tsv). Choose one of its splits: dev, test.',
    );
    expect(beirSplits(treeOf(files))).toEqual(['dev', 'test']);
  });

  it('names the file and line of a broken document', async () => {
    const dataset = await readBeir(
      treeOf({ ...files, 'corpus.jsonl': '{"_id": "a", "text": "x"}\n{"_id"\n' }),
    );
    expect(await refused(collect(dataset.documents()))).toContain('set/corpus.jsonl:2: not valid JSON');
  });
});

const datasets = realData('datasets');
describeUnless(datasets.missing, 'real collections', () => {
  it.each([
    ['scifact', 'test', { documents: 5183, queries: 300, judgments: 339, empty: 0 }],
    ['scifact', 'train', { documents: 5183, queries: 809, judgments: 919, empty: 0 }],
    ['nq-utd', 'test', { documents: 800, queries: 80, judgments: 800, empty: 0 }],
    ['cranfield', 'test', { documents: 1400, queries: 225, judgments: 1837, empty: 2 }],
    ['limit-small', 'test', { documents: 46, queries: 1000, judgments: 2000, empty: 0 }],
  ])('%s, %s', async (name, split, expected) => {
    const dataset = await readBeir(await openTree(`${datasets.path}/${name}`), { split, titles: false });
    const documents = await collect(dataset.documents());
    let judgments = 0;
    for (const grades of dataset.judgments.values()) judgments += grades.size;
    expect({
      documents: documents.length,
      queries: dataset.queries.length,
      judgments,
      empty: dataset.report.emptyTexts,
    }).toEqual(expected);
    expect(dataset.report).toMatchObject({ judgmentsOfUnknownDocuments: 0, judgedUnknownQueries: 0 });
  });
});
