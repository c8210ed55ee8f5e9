import { join } from 'node:path';
import type { Disk } from './disk.ts';
import { unlessCode } from './file-operations.ts';
import { labelOwner, ownerLabel } from './processes.ts';

const SHA256_NAME = /^[0-9a-f]{64}$/;
/** How long a session of another machine, whose process we cannot see, is left alone after its last change. */
const FOREIGN_SESSION_MS = 7 * 24 * 3600 * 1000;

/**
 * The folder `sessions/OWNER` of one open store: files that it is still writing (`*.part`), and second names (hard
 * links) of blobs that it has written but not committed, or is about to sweep. While a blob has a name in the
 * session of a living process, nobody else sweeps it; what a dead session held is put back among the blobs.
 */
export class StoreSession {
  readonly #disk: Disk;
  readonly #parent: string;
  #folder: Promise<string> | undefined;
  #parts = 0;

  /** @param root The store's folder. */
  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#parent = join(root, 'sessions');
  }

  /** Made when first needed, so that reading a store writes nothing. */
  folder(): Promise<string> {
    this.#folder ??= this.#create().catch((error: unknown) => {
      this.#folder = undefined;
      throw error;
    });
    return this.#folder;
  }

  /** The second name of a blob in this session. */
  async pin(sha256: string): Promise<string> {
    return join(await this.folder(), sha256);
  }

  /** Writes a file under a temporary name, flushed; an error leaves nothing. */
  async writePart(content: Uint8Array | readonly Uint8Array[]): Promise<string> {
    const part = await this.partName();
    try {
      await this.#disk.files.create(part, content);
    } catch (error) {
      await this.#disk.files.remove(part).catch(() => undefined);
      throw error;
    }
    return part;
  }

  /** A free temporary name. */
  async partName(): Promise<string> {
    return join(await this.folder(), `${this.#parts++}.part`);
  }

  /** This session's folder, if it was made. */
  existing(): Promise<string> | undefined {
    return this.#folder;
  }

  /** The blobs that have a name in a session, but for one. */
  async allPins(exceptFolder?: string): Promise<Set<string>> {
    const pins = new Set<string>();
    for (const label of await this.#disk.files.list(this.#parent)) {
      const folder = join(this.#parent, label);
      if (folder === exceptFolder) continue;
      for (const sha256 of await sessionBlobs(this.#disk, folder)) pins.add(sha256);
    }
    return pins;
  }

  /** Any session's name of a blob: where its bytes are while a sweep holds it, or was killed holding it. */
  async find(sha256: string): Promise<string | undefined> {
    for (const label of await this.#disk.files.list(this.#parent)) {
      const path = join(this.#parent, label, sha256);
      if (await this.#disk.files.stat(path)) return path;
    }
    return undefined;
  }

  /** The folders of sessions whose process is gone. */
  async deadSessions(): Promise<string[]> {
    const dead: string[] = [];
    for (const label of await this.#disk.files.list(this.#parent)) {
      const folder = join(this.#parent, label);
      const owner = labelOwner(label);
      const status = owner ? await this.#disk.processes.status(owner) : 'unknown';
      if (status === 'dead' || (status === 'unknown' && (await this.#isOld(folder)))) dead.push(folder);
    }
    return dead;
  }

  /** Removes a session's folder, once its blobs are put back. */
  async remove(folder: string): Promise<void> {
    await this.#disk.files.removeFolder(folder);
    await this.#disk.files.syncFolder(this.#parent);
  }

  async #create(): Promise<string> {
    const { files, processes } = this.#disk;
    const folder = join(this.#parent, ownerLabel(await processes.current()));
    await files.makeFolder(folder);
    await files.syncFolder(this.#parent);
    return folder;
  }

  async #isOld(folder: string): Promise<boolean> {
    const status = await this.#disk.files.stat(folder);
    return status !== undefined && Date.now() - status.modified > FOREIGN_SESSION_MS;
  }
}

/** The blobs that have a name in a session's folder; none if the session has ended meanwhile. */
export async function sessionBlobs({ files }: Disk, folder: string): Promise<string[]> {
  const names = (await unlessCode('ENOTDIR', files.list(folder))) ?? [];
  return names.filter((name) => SHA256_NAME.test(name));
}
