import { createHash } from 'node:crypto';
import { passageText } from '../corpus/documents.ts';
import type { Document } from '../corpus/types.ts';
import { nodeClock } from '../host/node/clock.ts';
import type { FolderStore } from '../host/node/store.ts';
import { clearVectors, lastingVectors } from '../retrieval/lasting-vectors.ts';
import type { CorpusVectors } from '../retrieval/retrieve.ts';
import type { DenseEncoder } from './dense-encoder.ts';
import { openStore } from './input-files.ts';
import type { CliIo, Progress } from './io.ts';

/** How the vectors of a corpus outlive the process that makes them. */
export interface LastingOptions {
  /** The folder of the store. */
  readonly store: string;
  /** About how much of the work a killed process loses. */
  readonly seconds: number;
}

export interface CorpusToEmbed {
  readonly documents: AsyncIterable<Document>;
  readonly titles: boolean;
  /** Has heard of all its documents. */
  readonly digest: CorpusDigest;
}

export interface EmbeddedCorpus extends CorpusVectors {
  /** Takes the vectors out of the store, when what they were made for is written. */
  readonly forget?: () => Promise<void>;
}

/** Names the documents of a corpus by their content and order. */
export class CorpusDigest {
  readonly #hash = createHash('sha256');

  add({ id, title, text }: Document): void {
    this.#hash.update(`${JSON.stringify([id, title, text])}\n`);
  }

  finish(): string {
    return this.#hash.digest('hex');
  }
}

/** Embeds a corpus as it is read, from where an ended process left off. */
export async function embedLastingCorpus(
  { documents, titles, digest }: CorpusToEmbed,
  encoder: DenseEncoder,
  { store: folder, seconds }: LastingOptions,
  progress: Progress,
  io: CliIo,
): Promise<EmbeddedCorpus> {
  const key = JSON.stringify([await encoder.hash(), encoder.device, digest.finish(), titles]);
  const ids: string[] = [];
  const texts = async function* (): AsyncGenerator<string, void> {
    for await (const document of documents) {
      ids.push(document.id);
      yield passageText(document, { titles });
    }
  };
  const vectors = await withStore(folder, io, (store) =>
    lastingVectors(texts(), (some, onDone) => encoder.embedWith(onDone)(some, 'passage'), {
      ...{ store, clock: nodeClock, key, seconds },
      onProgress: (done) => progress.update(done),
      onFound: (found) => {
        if (found > 0) io.note(`${found} passages were embedded before (${folder})`);
      },
    }),
  );
  return { ids, vectors, forget: () => withStore(folder, io, (store) => clearVectors(store, key)) };
}

async function withStore<T>(folder: string, io: CliIo, task: (store: FolderStore) => Promise<T>): Promise<T> {
  const store = await openStore(folder, io);
  try {
    return await task(store);
  } finally {
    await store.close().catch(() => undefined);
  }
}
