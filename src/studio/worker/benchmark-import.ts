/** Data sets of a hub, downloaded and kept as corpora. Loaded when the first is asked for. */
import { openDatasets, type CachedDatasets } from '../../host/browser/datasets.ts';
import { hubEndpoint } from '../../host/hub.ts';
import { benchmarkWarnings, findBenchmark, type Benchmark } from '../../import/benchmarks.ts';
import { detect } from '../../import/detect.ts';
import {
  openHubDataset,
  parseHubDataset,
  planHubDataset,
  type HubDatasetName,
} from '../../import/hub-dataset.ts';
import type { BenchmarkCalls, DatasetChoice, DatasetProgress } from '../benchmark-protocol.ts';
import { keepImported } from './import-items.ts';
import type { KeptItems } from './kept-items.ts';

const addressRemedy = 'Use an address such as https://huggingface.co/';

interface DatasetMeans {
  /** Told in one line what does not keep a data set from being imported. */
  readonly report: (problem: string) => void;
  readonly signal: AbortSignal;
}

/** @throws InputError; ConnectionError */
export async function lookAtDataset(
  choice: DatasetChoice,
  means: DatasetMeans,
): Promise<BenchmarkCalls['lookAtDataset']['answer']> {
  try {
    const { datasets, name } = open(choice, means);
    const { repositories, files, bytes, license } = await planHubDataset(datasets, name);
    const [main, judgments] = repositories;
    return {
      state: 'finished',
      facts: {
        ...{ id: name.id, host: datasets.hub.host, revision: main?.listing.commit ?? name.revision },
        ...{ files, bytes, license, judgments: judgments?.name.id },
      },
    };
  } catch (error) {
    if (means.signal.aborted) return { state: 'canceled' };
    throw error;
  }
}

/** @throws InputError; ConnectionError; ResourceError if the browser keeps no more */
export async function importDataset(
  choice: DatasetChoice,
  {
    items,
    tell,
    ...means
  }: DatasetMeans & { readonly items: KeptItems; readonly tell: (progress: DatasetProgress) => void },
): Promise<BenchmarkCalls['importDataset']['answer']> {
  const { signal } = means;
  const { datasets, name, benchmark } = open(choice, means);
  try {
    const dataset = await openHubDataset(datasets, name, {
      signal,
      onProgress: (progress) => tell({ kind: 'download', ...progress }),
    });
    const detection = await detect([dataset.files], {
      signal,
      textRemedy: 'Use a data set with a column of texts, or download its files and drop them on the page',
    });
    const outcome = await keepImported(
      benchmark?.name ?? shortName(name),
      detection,
      { origins: [dataset.origin] },
      { items, signal, tell: (progress) => tell({ kind: 'import', ...progress }) },
    );
    // The corpus has all of it.
    await datasets.forget();
    const { report } = outcome;
    const added = [...dataset.warnings, ...benchmarkWarnings(benchmark, report.texts)];
    return { ...outcome, report: { ...report, warnings: [...report.warnings, ...added] } };
  } catch (error) {
    if (!signal.aborted) throw error;
    await datasets.forget();
    return { state: 'canceled' };
  }
}

interface OpenedDataset {
  readonly datasets: CachedDatasets;
  readonly name: HubDatasetName;
  readonly benchmark: Benchmark | undefined;
}

function open({ dataset, hub }: DatasetChoice, { report, signal }: DatasetMeans): OpenedDataset {
  const benchmark = findBenchmark(dataset.trim());
  const endpoint = hub === undefined ? undefined : hubEndpoint(hub.trim(), addressRemedy);
  return {
    datasets: openDatasets({ endpoint, report, signal }),
    name: parseHubDataset(benchmark?.id ?? dataset),
    benchmark,
  };
}

function shortName({ id, subset }: HubDatasetName): string {
  const name = id.slice(id.indexOf('/') + 1);
  return subset === undefined ? name : `${name} ${subset}`;
}
