/**
 * A data set of the hub as files to import: those of its texts, queries and judgments, by their paths. BEIR and MTEB keep
 * them in folders or files of these names; BEIR has judgments in a repository of its own, `ID-qrels`.
 */
import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import { quoted } from '../core/shown.ts';
import { missingPath, type ByteSource, type FileTree } from '../core/source.ts';
import type { DatasetName, Datasets } from '../host/datasets.ts';
import { isMissingRepository } from '../host/hub.ts';
import { isPlainPath, parseHubName, type HubFile, type HubListing } from '../host/hub-listing.ts';
import { extensionOf, formatOfName } from './sniff.ts';
import { usualSplit, withoutPart } from './split-name.ts';

/** What a user names: `ORG/NAME`, one of its subsets, a revision. */
export interface HubDatasetName extends DatasetName {
  readonly subset: string | undefined;
}

// Type aliases, so that they are assignable to Json.
export type HubRepositoryRecord = Readonly<{
  id: string;
  /** The commit. */
  revision: string;
  /** As its page on the hub states it. */
  license: string | null;
  /** The files that were read. The hub lists the SHA-256 of large files and git's SHA-1 of others. */
  files: readonly Readonly<{
    path: string;
    bytes: number;
    sha256: string | null;
    gitSha1: string | null;
  }>[];
}>;

/** Where files to import come from. */
export type HubRecord = Readonly<{ hub: string; repositories: readonly HubRepositoryRecord[] }>;

export interface HubDataset {
  readonly files: FileTree;
  readonly origin: HubRecord;
  /** One line for each thing a user should know. */
  readonly warnings: readonly string[];
}

export interface HubDatasetOptions {
  /** Whether other files are imported with it, which may have the judgments. Default: false. */
  readonly isOneOfSeveral?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: HubProgress) => void) | undefined;
}

export interface HubProgress {
  readonly file: string;
  readonly bytes: number;
  readonly totalBytes: number;
}

type Part = 'corpus' | 'queries' | 'judgments' | 'other';

/** What the hub says of a data set before any of its files is fetched. */
export interface HubDatasetPlan {
  readonly repositories: readonly ChosenRepository[];
  readonly files: number;
  /** Undefined where the hub lists no sizes. */
  readonly bytes: number | undefined;
  /** As its page on the hub states it. */
  readonly license: string | undefined;
}

/**
 * Reads `ORG/NAME`, `ORG/NAME/SUBSET` and either with `@REVISION`, also after `hub:`, and the address of the data set's
 * page. @throws InputError
 */
export function parseHubDataset(text: string): HubDatasetName {
  const named = text.trim().replace(/^hub:|^https?:\/\/[^/]+\/datasets\/(?=[^/]+\/[^/]+\/?$)/, '');
  const [, id = '', subset, revision = ''] =
    /^([^/@]+\/[^/@]+)(?:\/([^@]+))?(@.+)?$/.exec(named.replace(/\/$/, '')) ?? [];
  const name = parseHubName(id + revision);
  if (name !== undefined) return { ...name, subset };
  throw new InputError(`${quoted(text)} is not the name of a data set on the hub`, {
    remedy: 'Use hub:ORG/NAME, hub:ORG/NAME/SUBSET, or either with @REVISION',
  });
}

/**
 * Asks the hub which files a data set has, and chooses those to import.
 * @throws InputError if there is no such data set, it cannot be read, or it is not known which of its files to import;
 * ConnectionError
 */
export async function planHubDataset(
  datasets: Datasets,
  name: HubDatasetName,
  options: Pick<HubDatasetOptions, 'isOneOfSeveral'> = {},
): Promise<HubDatasetPlan> {
  const listing = await datasets.list(name);
  const main = chooseFiles(name, listing);
  const repositories: ChosenRepository[] = [{ name, listing, files: main }];
  const has = (part: Part): boolean => main.some((file) => file.part === part);
  if (has('corpus') && has('queries') && !has('judgments')) {
    const judgments = await listJudgments(datasets, name, options);
    if (judgments !== undefined) repositories.push(judgments);
  }
  const sizes = repositories.flatMap(({ files }) => files.map(({ file }) => file.size));
  const isKnown = sizes.every((size) => size !== undefined);
  return {
    ...{ repositories, files: sizes.length, license: listing.license },
    bytes: isKnown ? sizes.reduce((sum, size) => sum + size, 0) : undefined,
  };
}

/**
 * Fetches the files of a data set.
 * @param plan of it, where there is one
 * @throws InputError as {@link planHubDataset}, or if a file is not the one that the hub lists; ConnectionError; the
 * signal's reason when it is aborted
 */
export async function openHubDataset(
  datasets: Datasets,
  name: HubDatasetName,
  options: HubDatasetOptions = {},
  plan?: HubDatasetPlan,
): Promise<HubDataset> {
  const { repositories: chosen } = plan ?? (await planHubDataset(datasets, name, options));
  const main = chosen[0]?.files ?? [];
  const sources = new Map<string, ByteSource>();
  const repositories: HubRepositoryRecord[] = [];
  const totalBytes = chosen.reduce(
    (sum, { files }) => sum + files.reduce((bytes, { file }) => bytes + (file.size ?? 0), 0),
    0,
  );
  let before = 0;
  let unchecked = 0;
  for (const repository of chosen) {
    const { id } = repository.name;
    const { commit, license } = repository.listing;
    const pinned = { id, revision: commit };
    const paths = importPaths(repository.files, main);
    const records: HubRepositoryRecord['files'][number][] = [];
    for (const { file } of repository.files) {
      options.signal?.throwIfAborted();
      const source = await datasets.open(pinned, file, ({ receivedBytes }) =>
        options.onProgress?.({ file: `${id}/${file.path}`, bytes: before + receivedBytes, totalBytes }),
      );
      before += source.size;
      options.onProgress?.({ file: `${id}/${file.path}`, bytes: before, totalBytes });
      const { path, sha256 = null, gitSha1 = null } = file;
      if (sha256 === null && gitSha1 === null) unchecked++;
      sources.set(paths.get(file) ?? path, source);
      records.push({ path, bytes: source.size, sha256, gitSha1 });
    }
    repositories.push({ id, revision: commit, license: license ?? null, files: records });
  }
  const files: FileTree = {
    name: name.id,
    paths: [...sources.keys()].sort(),
    open: (path) => {
      const source = sources.get(path);
      return source === undefined ? Promise.reject(missingPath(files, path)) : Promise.resolve(source);
    },
  };
  return {
    files,
    origin: { hub: datasets.hub.href, repositories },
    warnings: unchecked > 0 ? [`files whose hash ${datasets.hub.host} does not list: ${unchecked}`] : [],
  };
}

interface ChosenFile {
  readonly file: HubFile;
  readonly part: Part;
}

interface ChosenRepository {
  readonly name: DatasetName;
  readonly listing: HubListing;
  readonly files: readonly ChosenFile[];
}

/** The files of texts, queries and judgments; all that can be imported where none is named like that. */
function chooseFiles(name: HubDatasetName, { files }: HubListing): readonly ChosenFile[] {
  const data = files.flatMap((file): readonly ChosenFile[] => {
    const part = partOf(file.path);
    return part === undefined ? [] : [{ file, part }];
  });
  if (data.length === 0) throw withoutData(name, files);
  const some = inSubset(name, data);
  if (!some.some(({ part }) => part === 'corpus')) return some;
  const named = some.filter(({ part }) => part !== 'other');
  if (named.some(({ part }) => part === 'judgments')) return named;
  // MTEB's judgments are the data set itself: data/test-00000-of-00001.parquet.
  const splits = some.filter(({ file, part }) => part === 'other' && usualSplit(file.path) !== undefined);
  return [...named, ...splits.map(({ file }): ChosenFile => ({ file, part: 'judgments' }))];
}

/** Descriptions of data sets, which are no data. */
const DESCRIPTIONS = /^(dataset_infos?|dataset_dict|state|metadata|package|.*config)\.json$/i;

function partOf(path: string): Part | undefined {
  if (!isPlainPath(path) || path.split('/').some((name) => name.startsWith('.'))) return undefined;
  const extension = extensionOf(path);
  const format = formatOfName(path);
  const isTable = format !== undefined && !['text', 'markdown', 'html', 'pdf'].includes(format);
  if (!isTable && extension !== 'zip' && format !== 'text') return undefined;
  if (DESCRIPTIONS.test(path.slice(path.lastIndexOf('/') + 1))) return undefined;
  const is = (words: string): boolean =>
    new RegExp(`(?<![a-z])(${words})(?![a-z])`, 'i').test(withoutPart(path));
  if (is('qrels?|judge?ments?')) return 'judgments';
  if (is('quer(?:y|ies)|questions|topics')) return 'queries';
  if (is('corpus|documents|passages')) return 'corpus';
  return format === 'text' ? undefined : 'other';
}

/** What a path says beside the part, the split and the number of its file. */
function subsetOf(path: string): string {
  const said =
    /(?<![a-z])(qrels?|judge?ments?|quer(?:y|ies)|questions|topics|corpus|documents|passages|train|dev|valid|val|validation|test|data|default|full)(?![a-z])|^\d+$/gi;
  const segments = withoutPart(path)
    .split('/')
    .map((segment) => segment.replace(said, '').replace(/^[-_.]+|[-_.]+$/g, ''));
  return [...new Set(segments.filter((segment) => segment !== ''))].join('/');
}

/** @throws InputError if there are several subsets and none is chosen, or if there is no such subset */
function inSubset({ id, subset }: HubDatasetName, files: readonly ChosenFile[]): readonly ChosenFile[] {
  const known = new Set(files.filter(({ part }) => part === 'corpus').map(({ file }) => subsetOf(file.path)));
  if (subset === undefined && known.size <= 1) return files;
  const names = [...known].filter((name) => name !== '').sort();
  if (subset !== undefined && names.includes(subset)) {
    return files.filter(({ file }) => ['', subset].includes(subsetOf(file.path)));
  }
  const listed = `${names.slice(0, 20).join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`;
  if (subset === undefined) {
    throw new InputError(`the data set has ${names.length} subsets (${listed})`, {
      file: id,
      remedy: `Choose one, as in hub:${id}/${names[0] ?? ''}`,
    });
  }
  const near = nearestName(subset, names);
  throw new InputError(`the data set has no subset ${quoted(subset)}`, {
    file: id,
    remedy:
      names.length === 0
        ? `Use hub:${id}`
        : `Choose one of ${listed}${near === undefined ? '' : `; did you mean ${near}?`}`,
  });
}

/** The repository of judgments that BEIR has for each data set. @throws InputError if there is none and one is needed */
async function listJudgments(
  datasets: Datasets,
  { id, revision }: HubDatasetName,
  { isOneOfSeveral = false }: HubDatasetOptions,
): Promise<ChosenRepository | undefined> {
  const name = { id: `${id}-qrels`, revision: revision.startsWith('refs/convert/') ? revision : 'main' };
  let files: readonly ChosenFile[] = [];
  try {
    const listing = await datasets.list(name);
    files = listing.files
      .filter(({ path }) => partOf(`qrels/${path}`) !== undefined)
      .map((file) => ({ file, part: 'judgments' }));
    if (files.length > 0) return { name, listing, files };
  } catch (error) {
    if (!isMissingRepository(error)) throw error;
  }
  if (isOneOfSeveral) return undefined;
  throw new InputError(`the data set has no judgments, and ${datasets.hub.host} has none in ${name.id}`, {
    file: id,
    remedy: `Pass the data set or file that has them as well, as in hub:${id} qrels.tsv`,
  });
}

/**
 * Paths by which an import knows what files are. Judgments of a data set without splits are test judgments: its only
 * split is called train because the program that stored it calls every one that.
 */
function importPaths(
  files: readonly ChosenFile[],
  main: readonly ChosenFile[],
): ReadonlyMap<HubFile, string> {
  const isOnlyTrain = (part: Part, from: readonly ChosenFile[]): boolean => {
    const paths = from.filter((file) => file.part === part).map(({ file }) => file.path);
    return paths.length > 0 && paths.every((path) => usualSplit(path) === 'train');
  };
  const isWithoutSplits = isOnlyTrain('corpus', main) && isOnlyTrain('judgments', files);
  const splitOf = (path: string): string => (isWithoutSplits ? 'test' : (usualSplit(path) ?? 'test'));
  const digits = (count: number): string => String(count).padStart(5, '0');
  return new Map(
    files.map(({ file, part }): readonly [HubFile, string] => {
      const { path } = file;
      if (part === 'queries') return [file, path.startsWith('queries/') ? path : `queries/${path}`];
      if (part !== 'judgments') return [file, path];
      const split = splitOf(path);
      const ofSplit = files.filter((other) => other.part === part && splitOf(other.file.path) === split);
      const at = ofSplit.findIndex((other) => other.file === file);
      const number = ofSplit.length === 1 ? '' : `-${digits(at)}-of-${digits(ofSplit.length)}`;
      return [file, `qrels/${split}${number}.${extensionOf(path)}`];
    }),
  );
}

function withoutData(name: HubDatasetName, files: readonly HubFile[]): InputError {
  const packed = files.find(({ path }) => /\.(gz|zst|xz|bz2|tar|tgz|7z|arrow)$/i.test(path));
  const isConverted = name.revision === 'refs/convert/parquet';
  return new InputError(
    packed === undefined
      ? 'the data set has no Parquet, CSV, TSV, JSON or zip file'
      : `the data set has ${packed.path} and no Parquet, CSV, TSV, JSON or zip file`,
    {
      file: name.id,
      remedy: isConverted
        ? 'Choose a data set with such files'
        : `Use the hub's conversion to Parquet, if it has made one: hub:${name.id}@refs/convert/parquet`,
    },
  );
}
