import type { ImportProgress, ImportReport } from '../../import/import-corpus.ts';
import type { TextSplit } from '../../import/split-texts.ts';
import type { DroppedItem } from '../dropped-files.ts';
import type { ImportChoices, ImportPreview, LookedAt, ReadingChoices } from '../import-protocol.ts';
import type { KeepProgress, KeptItem } from '../protocol.ts';
import { InputError } from '../../core/errors.ts';
import { problemOf, type Problem } from './problem.ts';
import type { StudioClient } from './studio-client.ts';
import type { Studio } from './studio.svelte.ts';

type Encoder = Pick<ImportChoices, 'encoder' | 'encoding'>;

/** What an import has made. */
export interface Imported {
  readonly item: KeptItem;
  readonly report: ImportReport;
}

/** What became of a thing that was dropped and is taken as it is, or of one that was refused. */
export interface Outcome {
  readonly name: string;
  readonly item?: KeptItem;
  readonly problem?: Problem;
}

/** Files that the user gave, on their way to a corpus: looked at, chosen how to read, imported. */
export class ImportDraft {
  preview = $state.raw<ImportPreview | undefined>();
  reading = $state.raw<ReadingChoices>({});
  /** Undefined for that of each format. */
  split = $state.raw<TextSplit | undefined>();
  keepDuplicates = $state(false);
  /** Files are looked at, or kept as they are. */
  isLooking = $state(false);
  /** Of what is kept as it is. */
  keeping = $state.raw<KeepProgress | undefined>();
  progress = $state.raw<ImportProgress | undefined>();
  isImporting = $state(false);
  problem = $state.raw<Problem | undefined>();
  /** Of the things that were dropped last, except for those that `preview` has. */
  outcomes = $state.raw<readonly Outcome[]>([]);
  /** Of the last import, until it is dismissed. */
  imported = $state.raw<Imported | undefined>();
  /** Counts the files that were looked at. */
  begun = $state(0);
  #items: readonly DroppedItem[] = [];
  /** Of the last look: an earlier one must not overwrite it. */
  #turn = 0;
  #cancel = new AbortController();

  get isBusy(): boolean {
    return this.isLooking || this.isImporting;
  }

  /**
   * Takes what was dropped, chosen or pasted: what can be kept as it is, is in `outcomes`, with what is refused, and
   * `preview` has the rest.
   */
  async take(items: readonly DroppedItem[], studio: Studio): Promise<void> {
    if (items.length === 0) return;
    if (this.isBusy) {
      const remedy = 'Wait until they are read, and drop these again.';
      this.problem = { text: 'Other files are being read.', remedy };
      return;
    }
    this.isLooking = true;
    this.problem = undefined;
    this.outcomes = [];
    const { signal } = (this.#cancel = new AbortController());
    const isCanceled = (): boolean => signal.aborted;
    try {
      const client = await studio.client();
      const { usable, refused, looked } = await look(items, client);
      if (isCanceled()) return;
      const { ready, preview } = looked;
      this.outcomes = refused;
      if (preview !== undefined) {
        this.#begin(
          usable.filter((_, i) => !ready.includes(i)),
          preview,
        );
      }
      for (const i of ready) {
        const item = usable[i];
        if (item === undefined) continue;
        const name = nameOf(item);
        const tell = (progress: KeepProgress): void => {
          if (!signal.aborted) this.keeping = progress;
        };
        try {
          this.outcomes = [...this.outcomes, { name, item: await studio.keep(item, signal, tell) }];
        } catch (error) {
          if (isCanceled()) break;
          this.outcomes = [...this.outcomes, { name, problem: problemOf(error) }];
        }
      }
    } catch (error) {
      if (!signal.aborted) this.problem = problemOf(error);
    } finally {
      this.isLooking = false;
      this.keeping = undefined;
    }
  }

  /** Looks at the same files again, read in another way. */
  async read(choices: ReadingChoices, studio: Studio): Promise<void> {
    const turn = ++this.#turn;
    this.reading = choices;
    this.problem = undefined;
    try {
      const client = await studio.client();
      const { preview } = await client.previewImport(this.#items, choices);
      if (turn === this.#turn && preview !== undefined) this.preview = preview;
    } catch (error) {
      if (turn === this.#turn) this.problem = problemOf(error);
    }
  }

  /** @returns the corpus; undefined where it was canceled or could not be made, and then nothing is kept */
  async import(encoder: Encoder, studio: Studio): Promise<KeptItem | undefined> {
    if (this.preview === undefined || this.isBusy) return undefined;
    const cancel = (this.#cancel = new AbortController());
    this.isImporting = true;
    this.problem = undefined;
    try {
      const client = await studio.client();
      const { reading, split, keepDuplicates } = this;
      const choices = { ...reading, ...encoder, split, keepDuplicates };
      const outcome = await client.importCorpus(this.#items, choices, cancel.signal, (progress) => {
        this.progress = progress;
      });
      if (outcome.state === 'canceled') return undefined;
      const { item, report } = outcome;
      this.imported = { item, report };
      this.preview = undefined;
      this.#items = [];
      studio.kept = await client.kept();
      return item;
    } catch (error) {
      this.problem = problemOf(error);
      return undefined;
    } finally {
      this.isImporting = false;
      this.progress = undefined;
    }
  }

  cancel(): void {
    this.#cancel.abort();
  }

  /** Shows what was imported in another way: a data set of a hub. */
  show(imported: Imported): void {
    this.discard();
    this.imported = imported;
  }

  /** Does without these files, or without the facts of the last import. */
  discard(): void {
    this.cancel();
    this.#clear();
  }

  #clear(): void {
    this.#turn++;
    this.preview = undefined;
    this.imported = undefined;
    this.problem = undefined;
    this.#items = [];
  }

  #begin(items: readonly DroppedItem[], preview: ImportPreview): void {
    this.#clear();
    this.begun++;
    this.#items = items;
    this.preview = preview;
    this.reading = {};
    this.split = undefined;
    this.keepDuplicates = false;
  }
}

interface Looked {
  readonly usable: readonly DroppedItem[];
  readonly refused: readonly Outcome[];
  /** At those that can be used. */
  readonly looked: LookedAt;
}

/** Looks at things together. One that is broken keeps no other from being used. */
async function look(items: readonly DroppedItem[], client: StudioClient): Promise<Looked> {
  try {
    return { usable: items, refused: [], looked: await client.previewImport(items, {}) };
  } catch (error) {
    if (!(error instanceof InputError) || items.length === 1) throw error;
  }
  const usable: DroppedItem[] = [];
  const refused: Outcome[] = [];
  for (const item of items) {
    try {
      await client.previewImport([item], {});
      usable.push(item);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      refused.push({ name: nameOf(item), problem: problemOf(error) });
    }
  }
  const nothing: LookedAt = { ready: [], preview: undefined };
  return { usable, refused, looked: usable.length === 0 ? nothing : await client.previewImport(usable, {}) };
}

function nameOf(item: DroppedItem): string {
  if ('name' in item) return item.name;
  return item[0]?.path.split('/')[0] ?? 'folder';
}
