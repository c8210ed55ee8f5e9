import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { noLists, readLists } from '../corpus/lists.ts';
import { ReadReport } from '../corpus/report.ts';
import { queryTest, splitByPassage, splitNote, type Split } from '../corpus/split.ts';
import { isPositive, textKey, withoutDuplicatesOfPositives } from '../corpus/text-key.ts';
import type { ListRecord } from '../corpus/types.ts';
import { InputError } from '../host/errors.ts';
import { nearestName } from '../host/nearest-name.ts';
import type { LossSpec } from '../losses/loss-spec.ts';
import { checkLists, gapWarnings } from '../losses/requirements.ts';
import type { Mix } from '../training/mixing/mix.ts';
import type { BatchOptions } from '../training/batches.ts';
import { openFile, readText } from './input-files.ts';
import type { CliIo } from './io.ts';

/** The options that say what is trained on. */
export interface ListOptions {
  /** `FILE`, or with a mix `NAME=FILE` for each source. */
  readonly lists: readonly string[];
  readonly mix?: string;
}

/** What a training learns from. */
export interface TrainingLists {
  readonly lists: readonly ListRecord[];
  readonly mix: Mix | undefined;
  /** Of the lists, each with its source. */
  readonly sha256: string;
  /** What errors about all of them name: their file, or that of the mix. */
  readonly file: string;
  /** The files' names without their folders. */
  readonly names: string;
}

interface ListFile {
  readonly file: string;
  /** The source of the mix that its lists are of. */
  readonly origin: string | undefined;
}

/**
 * Reads the lists that the options name, and how they are mixed.
 * @throws InputError naming file, line and remedy
 */
export async function readTrainingLists(
  options: ListOptions,
  loss: LossSpec,
  io: CliIo,
): Promise<TrainingLists> {
  const mix = options.mix === undefined ? undefined : await readMixFile(options.mix, loss);
  const files = mix === undefined ? [onlyFile(options.lists)] : filesOf(mix, options);
  const readReport = new ReadReport();
  const lists: ListRecord[] = [];
  const hash = createHash('sha256');
  let contradictions = 0;
  const gaps: string[] = [];
  for (const { file, origin } of files) {
    const before = lists.length;
    for await (const list of readLists(await openFile(file), { report: readReport })) {
      const { record, removed } = withoutDuplicatesOfPositives(list);
      contradictions += removed;
      const marked = origin === undefined ? record : { ...record, origin };
      lists.push(marked);
      hash.update(`${JSON.stringify(marked)}\n`);
    }
    const ofFile = lists.slice(before);
    if (ofFile.length === 0) {
      throw new InputError('holds no training lists', {
        file,
        remedy: 'Make some with `retriever-studio mine`',
      });
    }
    for (const warning of gapWarnings(checkLists(loss, ofFile, { file }))) gaps.push(`${file}: ${warning}`);
  }
  for (const warning of [...readReport.warnings(), ...gaps]) io.warn(warning);
  if (contradictions > 0)
    io.warn(`${contradictions} negatives with the text of a positive of their query (left out)`);
  if (mix !== undefined) warnOfAmbiguousQueries(lists, io);
  return {
    lists,
    mix,
    sha256: hash.digest('hex'),
    file: options.mix ?? files[0]?.file ?? '',
    names: files.map(({ file }) => basename(file)).join(', '),
  };
}

async function readMixFile(file: string, loss: LossSpec): Promise<Mix> {
  // What recipes may hold: only for those who mix.
  const { readMix } = await import('../recipes/read-mix.ts');
  const { parseRecipeText } = await import('../recipes/read-recipe.ts');
  return readMix(parseRecipeText(await readText(file), file), loss, file);
}

function onlyFile(given: readonly string[]): ListFile {
  const [file, ...more] = given;
  if (file !== undefined && more.length === 0) return { file, origin: undefined };
  throw new InputError(`--lists is given ${given.length} times`, {
    remedy: 'Give one file, or --mix with how those of several sources share the batches',
  });
}

/** The files of each source, in the order of the mix. @throws InputError if names and sources are not the same */
function filesOf({ sources }: Mix, { lists, mix }: ListOptions): readonly ListFile[] {
  const known = sources.map(({ name }) => name);
  const files = lists.map((given) => {
    const [, origin, file] = /^([^=]+)=(.+)$/s.exec(given) ?? [];
    if (origin === undefined || file === undefined) {
      throw new InputError(`--lists is "${given}", without the source of the mix that it is of`, {
        remedy: `Give --lists NAME=FILE with one of the sources ${known.join(', ')} as NAME`,
      });
    }
    if (!known.includes(origin)) {
      const nearest = nearestName(origin, known);
      throw new InputError(`--lists is "${given}", and the mix has no source ${origin}`, {
        file: mix,
        remedy: nearest === undefined ? `Give one of ${known.join(', ')}` : `Did you mean ${nearest}`,
      });
    }
    return { file, origin };
  });
  return known.flatMap((name) => {
    const ofSource = files.filter(({ origin }) => origin === name);
    if (ofSource.length > 0) return ofSource;
    throw new InputError(`the source ${name} has no lists`, {
      file: mix,
      remedy: `Give --lists ${name}=FILE, or leave it out of the mix`,
    });
  });
}

/** Files that were made apart may use the same ids for other queries, which dev would take for one. */
function warnOfAmbiguousQueries(lists: readonly ListRecord[], io: CliIo): void {
  const texts = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const { query_id, query } of lists) {
    const text = textKey(query);
    if ((texts.get(query_id) ?? text) !== text) ambiguous.add(query_id);
    texts.set(query_id, text);
  }
  const [first] = ambiguous;
  if (first === undefined) return;
  io.warn(
    `${ambiguous.size} query ids stand for different queries, such as '${first}'; ` +
      'where they are held out, each counts as one query',
  );
}

interface SplitOptions extends Pick<BatchOptions, 'batchSize' | 'rowPer' | 'seed'> {
  /** A file of lists that choose the checkpoint. */
  readonly dev?: string;
  /** Without such a file. */
  readonly devShare: number;
}

/** What is trained on and what chooses the checkpoint. */
export interface TrainAndDev {
  readonly train: readonly ListRecord[];
  readonly dev: readonly ListRecord[];
  /** Of the dev lists, where they are from a file. */
  readonly devSha256?: string;
  /** What was requested as dev and what resulted, where the numbers of lists do not tell all of it. */
  readonly note?: string;
}

/**
 * Takes dev apart: the lists of a file, without whose queries the training is then, or a share of the lists.
 * @throws InputError if there is no dev, or too little is left to train on
 */
export async function splitLists(
  given: TrainingLists,
  options: SplitOptions,
  io: CliIo,
): Promise<TrainAndDev> {
  const { lists, mix, file } = given;
  const { batchSize, rowPer } = options;
  const split = await takeDev(given, options, io);
  const option = options.dev === undefined ? 'a smaller --dev-share' : 'other --dev lists';
  const rows = split.train.reduce(
    (sum, { documents }) =>
      sum +
      (rowPer === 'positive' ? Math.max(1, documents.filter((document) => isPositive(document)).length) : 1),
    0,
  );
  if (rows < batchSize) {
    const taken = lists.length - split.train.length;
    const held = taken > 0 ? ` (${taken} lists are held out)` : '';
    const smaller = `--batch-size ${rows} or less${taken > 0 ? `, or ${option}` : ''}`;
    throw new InputError(`${rows} training rows cannot fill a batch of ${batchSize}${held}`, {
      file,
      remedy: `Use ${rows > 0 ? smaller : option}`,
    });
  }
  const left = new Set(split.train.map(({ origin }) => origin));
  const heldOut = mix?.sources.find(({ name }) => !left.has(name));
  if (heldOut === undefined) return split;
  throw new InputError(`all lists of the source ${heldOut.name} are held out`, {
    file,
    remedy: `Use ${option}, or leave the source out of the mix`,
  });
}

async function takeDev(
  { lists, file }: TrainingLists,
  { dev, devShare, seed }: SplitOptions,
  io: CliIo,
): Promise<TrainAndDev> {
  if (dev !== undefined) return withoutDevQueries(lists, dev, io);
  return devShare > 0 ? splitOff(lists, devShare, seed, file) : { train: lists, dev: [] };
}

/** All lists whose query is no dev query, by id or by text. @throws InputError naming the dev lists' file */
async function withoutDevQueries(
  lists: readonly ListRecord[],
  file: string,
  io: CliIo,
): Promise<TrainAndDev> {
  const readReport = new ReadReport();
  const hash = createHash('sha256');
  const dev: ListRecord[] = [];
  for await (const list of readLists(await openFile(file), { report: readReport })) {
    dev.push(list);
    hash.update(`${JSON.stringify(list)}\n`);
  }
  if (dev.length === 0) throw noLists(file);
  if (!dev.some(({ documents }) => documents.some((document) => isPositive(document)))) {
    throw new InputError('no list has a passage labeled positive, so there is nothing to find', {
      file,
      remedy: 'Use dev lists with positives, such as those of `retriever-studio mine --split dev`',
    });
  }
  for (const warning of readReport.warnings()) io.warn(warning);
  const isDev = queryTest(dev.map(({ query_id, query }) => ({ id: query_id, text: query })));
  const train = lists.filter((list) => !isDev(list));
  const removed = lists.length - train.length;
  if (removed > 0) {
    io.warn(`${removed} training lists whose query is a dev query, by id or by text (left out)`);
  }
  return { train, dev, devSha256: hash.digest('hex') };
}

function splitOff(lists: readonly ListRecord[], share: number, seed: number, file: string): TrainAndDev {
  try {
    const { train, dev, report }: Split = splitByPassage(lists, share, seed);
    const isAsRequested = report.unit === 'groups' && report.devLists === report.requestedLists;
    return { train, dev, ...(!isAsRequested && { note: splitNote(report) }) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(error.problem, {
      file,
      remedy: 'Set a larger --dev-share, or --dev-share 0 to hold nothing out',
      cause: error,
    });
  }
}
