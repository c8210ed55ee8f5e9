import { createServer } from 'node:http';
import { answerAsHub, hubCommit, type Datasets, type Misbehavior } from './dataset-hub-answers.ts';
import { serveUntilEnd } from './local-server.ts';

export { gitSha1, sha256, type DatasetFixture } from './dataset-hub-answers.ts';

/** A server with the hub's paths of data sets, on this machine. */
export class DatasetHub {
  static readonly commit = hubCommit;
  readonly datasets: Datasets;
  /** Paths, with the byte that a file was asked from. */
  readonly requests: string[] = [];
  misbehave: Misbehavior | undefined;
  #address = '';

  private constructor(datasets: Datasets) {
    this.datasets = datasets;
  }

  static async start(datasets: Datasets): Promise<DatasetHub> {
    const hub = new DatasetHub(datasets);
    const server = createServer(({ url = '/', headers }, response) => {
      const path = decodeURIComponent(new URL(url, 'http://x').pathname);
      const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
      hub.requests.push(start > 0 ? `${path} from ${start}` : path);
      answerAsHub(hub.datasets, path, start, response, hub.misbehave);
    });
    hub.#address = (await serveUntilEnd(server)).replace(/\/$/, '');
    return hub;
  }

  get address(): string {
    return this.#address;
  }
}
