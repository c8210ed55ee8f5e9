/** What can be done with a kept corpus that nobody has judged queries for. */
import { InputError } from '../../core/errors.ts';
import { RandomStream } from '../../core/random.ts';
import type { FileTree } from '../../core/source.ts';
import { yielding } from '../../core/waiting.ts';
import { readDocuments } from '../../corpus/documents.ts';
import type { Document } from '../../corpus/types.ts';
import { extractClauses } from '../../generation/extract.ts';
import type { ExtractOutcome, ImportCalls } from '../import-protocol.ts';
import { partsOfText, type KeptItems } from './kept-items.ts';

/** Enough to train and to measure with; more of them say the same. */
const MOST_QUERIES = 2000;
const LEAST_WORDS = 6;
const TEST_SHARE = 0.2;

/**
 * The same corpus with a query for each of up to {@link MOST_QUERIES} passages, a clause of the passage: four fifths to
 * train with, the others to test with.
 * @throws InputError if no passage is long enough
 */
export async function extractQueries(
  { itemId }: ImportCalls['extractQueries']['ask'],
  items: KeptItems,
  signal: AbortSignal,
): Promise<ExtractOutcome> {
  try {
    const tree = await items.openTree(itemId);
    const { queries, passages } = await clausesOf(tree, signal);
    if (queries.length < 5) {
      throw new InputError(`has ${queries.length} different passages of ${LEAST_WORDS} or more words`, {
        file: tree.name,
        remedy: 'Use at least 5 of them, so that some can be trained on and others tested',
      });
    }
    const tested = Math.max(1, Math.round(queries.length * TEST_SHARE));
    const judged = (from: number, to?: number): AsyncIterable<string> =>
      textOf([
        'query-id\tcorpus-id\tscore\n',
        ...queries.slice(from, to).map(({ id, of }) => `${id}\t${of}\t1\n`),
      ]);
    const files = [
      // As it is stored, so that its bytes are stored once.
      { path: 'corpus.jsonl', parts: (await tree.open('corpus.jsonl')).stream() },
      {
        path: 'queries.jsonl',
        parts: partsOfText(textOf(queries.map(({ id, text }) => `${JSON.stringify({ _id: id, text })}\n`))),
      },
      { path: 'qrels/test.tsv', parts: partsOfText(judged(0, tested)) },
      { path: 'qrels/train.tsv', parts: partsOfText(judged(tested)) },
    ];
    const trained = queries.length - tested;
    const item = await items.write(
      {
        kind: 'corpus',
        madeFrom: itemId,
        name: `${tree.name} with extracted queries`,
        splits: ['test', 'train'],
        listFiles: [],
        counts: {
          passages,
          queries: queries.length,
          splits: {
            test: { queries: tested, judgments: tested },
            train: { queries: trained, judgments: trained },
          },
        },
      },
      files,
      signal,
    );
    return { state: 'finished', item, train: trained, test: tested };
  } catch (error) {
    if (signal.aborted) return { state: 'canceled' };
    throw error;
  }
}

interface Clause {
  readonly id: string;
  readonly text: string;
  /** The passage. */
  readonly of: string;
}

/** Clauses of passages that are drawn evenly, in random order; no two the same. */
async function clausesOf(
  tree: FileTree,
  signal: AbortSignal,
): Promise<{ readonly queries: readonly Clause[]; readonly passages: number }> {
  const turn = yielding(signal);
  const random = new RandomStream(0, 'extracted queries');
  const drawn: Clause[] = [];
  const texts = new Set<string>();
  let seen = 0;
  let passages = 0;
  for await (const document of documentsOf(tree)) {
    await turn();
    passages++;
    if (document.text.split(/\s+/u, LEAST_WORDS).length < LEAST_WORDS) continue;
    const at = seen++ < MOST_QUERIES ? drawn.length : random.integer(seen);
    if (at >= MOST_QUERIES) continue;
    // A clause of two passages would be right for both, and be judged for one.
    const text = extractClauses(document.text, 3, random).find((clause) => !texts.has(clause.toLowerCase()));
    if (text === undefined) continue;
    texts.add(text.toLowerCase());
    drawn[at] = { id: `q${seen}`, text, of: document.id };
  }
  return { queries: random.shuffle(drawn), passages };
}

async function* documentsOf(tree: FileTree): AsyncGenerator<Document> {
  yield* readDocuments(await tree.open('corpus.jsonl'), { format: 'jsonl' });
}

async function* textOf(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield await Promise.resolve(line);
}
