import type { CandidateScope } from '../losses/contract.ts';
import {
  columnsOfDocuments,
  falseNegatives,
  removeDocuments,
  type ColumnsOfDocument,
} from '../losses/positive-aware-mask.ts';
import { isContrastive, readsTeacherVectors, type LossTerm } from '../losses/loss-spec.ts';
import type { BatchLayout } from './batch-layout.ts';

/**
 * The passage in each column of each query's row. The first columns are shared by all rows (every
 * passage of the batch, or every list's positive), the rest belong to the row's own list.
 */
export class Candidates {
  readonly scope: CandidateScope;
  /** The passages of the shared columns; undefined for every passage, in order. */
  readonly sharedPassages: Int32Array | undefined;
  readonly sharedColumns: number;
  /** Room for own passages in each row; rows with fewer leave the rest masked. */
  readonly ownColumns: number;
  readonly columns: number;
  readonly #layout: BatchLayout;
  readonly #columnsOf: ColumnsOfDocument;

  constructor(layout: BatchLayout, scope: CandidateScope) {
    const lists = layout.positive.length;
    let longest = 0;
    for (let i = 0; i < lists; i++) longest = Math.max(longest, listLength(layout, i));
    this.scope = scope;
    this.#layout = layout;
    if (scope === 'batch') {
      this.sharedPassages = undefined;
      this.sharedColumns = layout.documents.length;
      this.ownColumns = 0;
      this.#columnsOf = columnsOfDocuments(layout.documents);
    } else {
      // The own positive of an in-batch row is among the shared ones, so its own columns hold one passage less.
      this.sharedPassages = scope === 'in-batch' ? layout.positive : new Int32Array(0);
      this.sharedColumns = this.sharedPassages.length;
      this.ownColumns = scope === 'in-batch' ? longest - 1 : longest;
      this.#columnsOf = columnsOfDocuments(
        this.sharedPassages.map((passage) => layout.documents[passage] as number),
      );
    }
    this.columns = this.sharedColumns + this.ownColumns;
  }

  /** How many of a row's own columns are used. */
  ownCount(list: number): number {
    if (this.scope === 'batch') return 0;
    return listLength(this.#layout, list) - (this.scope === 'in-batch' ? 1 : 0);
  }

  /** The passage in the n-th own column of a row. */
  ownPassage(list: number, n: number): number {
    const passage = (this.#layout.offsets[list] as number) + n;
    return this.scope === 'in-batch' && passage >= (this.#layout.positive[list] as number)
      ? passage + 1
      : passage;
  }

  /** The passage in a column of a row; the row's unused own columns have none. */
  passage(list: number, column: number): number {
    return column < this.sharedColumns
      ? (this.sharedPassages?.[column] ?? column)
      : this.ownPassage(list, column - this.sharedColumns);
  }

  positiveColumn(list: number): number {
    if (this.scope === 'in-batch') return list;
    const positive = this.#layout.positive[list] as number;
    return this.scope === 'batch' ? positive : positive - (this.#layout.offsets[list] as number);
  }

  /**
   * Copies the known values (labels or teacher scores) of the row's own passages; all others are unknown.
   *
   * @param known one number per passage of the batch.
   * @param row [columns], receives NaN where the value is unknown.
   */
  fillOwn(list: number, known: Float64Array, row: Float64Array): void {
    row.fill(NaN);
    const from = this.#layout.offsets[list] as number;
    if (this.scope === 'batch') {
      row.set(known.subarray(from, this.#layout.offsets[list + 1]), from);
      return;
    }
    for (let n = 0; n < this.ownCount(list); n++) {
      row[this.sharedColumns + n] = known[this.ownPassage(list, n)] as number;
    }
    row[this.positiveColumn(list)] = known[this.#layout.positive[list] as number] as number;
  }

  /**
   * Fills a row's mask for one term. Left out everywhere: the query's other known positives, wherever the same
   * document occurs in the batch, and the passages that the term's positive-aware rule selects. A loss that
   * reads grades or a teacher keeps its own list whole. A teacher that scores the whole batch judges every distinct
   * document once, known positives included.
   *
   * @param mask [columns].
   * @returns how many candidates the row has besides the positive, and how many of them were masked.
   */
  fillMask(list: number, term: LossTerm, mask: Uint8Array): { candidates: number; masked: number } {
    const layout = this.#layout;
    if (readsTeacherVectors(term)) return this.#fillDistinct(list, mask);
    const own = this.ownCount(list);
    mask.fill(1, 0, this.sharedColumns + own);
    mask.fill(0, this.sharedColumns + own);
    const candidates = this.sharedColumns + own - 1;
    const positiveColumn = this.positiveColumn(list);
    const known = layout.positiveDocuments[list] ?? [];
    if (!isContrastive(term.definition)) {
      const [keepFrom, keepTo] =
        this.scope === 'batch'
          ? [layout.offsets[list] as number, layout.offsets[list + 1] as number]
          : [positiveColumn, positiveColumn + 1];
      return { candidates, masked: removeDocuments(mask, known, this.#columnsOf, keepFrom, keepTo) };
    }

    const removed = new Set(known);
    const start = layout.offsets[list] as number;
    const teacher = layout.teacher.subarray(start, layout.offsets[list + 1]);
    for (const at of falseNegatives(teacher, (layout.positive[list] as number) - start, term.mask)) {
      removed.add(layout.documents[start + at] as number);
    }
    let masked = removeDocuments(mask, removed, this.#columnsOf, positiveColumn, positiveColumn + 1);
    for (let n = 0; n < own; n++) {
      const column = this.sharedColumns + n;
      if (column === positiveColumn || !removed.has(layout.documents[this.ownPassage(list, n)] as number))
        continue;
      mask[column] = 0;
      masked++;
    }
    return { candidates, masked };
  }

  /** One column for each document of the batch: the first, or the one in the query's own list. */
  #fillDistinct(list: number, mask: Uint8Array): { candidates: number; masked: number } {
    const { documents, offsets, positive } = this.#layout;
    mask.fill(0);
    for (const [first] of this.#columnsOf.values()) mask[first as number] = 1;
    const choose = (passage: number): void => {
      for (const column of this.#columnsOf.get(documents[passage] as number) ?? []) mask[column] = 0;
      mask[passage] = 1;
    };
    for (let passage = offsets[list] as number; passage < (offsets[list + 1] as number); passage++) {
      choose(passage);
    }
    choose(positive[list] as number);
    return { candidates: this.#columnsOf.size - 1, masked: 0 };
  }
}

function listLength(layout: BatchLayout, list: number): number {
  return (layout.offsets[list + 1] as number) - (layout.offsets[list] as number);
}
