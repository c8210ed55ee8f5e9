import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, ResourceError } from '../../../src/core/errors.ts';
import { FOLDER_MARKER, writeFileAtomic, writeFolderAtomic } from '../../../src/host/node/atomic-file.ts';
import { nodeDisk, type Disk } from '../../../src/host/node/disk.ts';
import { nodeFiles, type FileOperations } from '../../../src/host/node/file-operations.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atomic-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const text = (name: string) => readFileSync(join(folder, name), 'utf8');

/** The real file system, but one operation throws. */
function failing(operation: keyof FileOperations, code: string): Disk {
  const fail = () => Promise.reject(Object.assign(new Error(code), { code, syscall: operation }));
  return { ...nodeDisk, files: { ...nodeFiles, [operation]: fail } };
}

/** The real file system, but the disk is full after so many pieces. */
function fullAfter(pieces: number): Disk {
  function* fill(content: Iterable<string>) {
    let count = 0;
    for (const piece of content) {
      if (count++ === pieces) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      yield piece;
    }
  }
  const create: FileOperations['create'] = (path, content) =>
    nodeFiles.create(path, fill(content as Iterable<string>));
  return { ...nodeDisk, files: { ...nodeFiles, create } };
}

/** A pid that no process has: the largest that Linux gives, plus one. */
const DEAD = `${hostname()}.4194305.1.1`;

describe('writeFileAtomic', () => {
  it('writes bytes, text and streams, and makes the folders above', async () => {
    await writeFileAtomic(join(folder, 'a/b/c.bin'), Uint8Array.of(1, 2, 3));
    expect([...readFileSync(join(folder, 'a/b/c.bin'))]).toEqual([1, 2, 3]);
    await writeFileAtomic(join(folder, 'a.txt'), 'grüße');
    expect(text('a.txt')).toBe('grüße');
    async function* pieces() {
      yield 'one ';
      await Promise.resolve();
      yield new TextEncoder().encode('two');
    }
    await writeFileAtomic(join(folder, 'a.txt'), pieces());
    expect(text('a.txt')).toBe('one two');
    expect(readdirSync(folder).sort()).toEqual(['a', 'a.txt']);
  });

  it('keeps the old file and leaves nothing beside it when the disk is full half-way', async () => {
    await writeFileAtomic(join(folder, 'run.txt'), 'old');
    const error = await writeFileAtomic(join(folder, 'run.txt'), ['new', 'more'], fullAfter(1)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ResourceError);
    expect((error as Error).message).toMatch(/run\.txt: the disk is full.* MB free\. Free disk space/);
    expect(text('run.txt')).toBe('old');
    expect(readdirSync(folder)).toEqual(['run.txt']);
  });

  it('says how much a known length needs', async () => {
    const write = writeFileAtomic(join(folder, 'x'), new Uint8Array(2_340_000), failing('create', 'ENOSPC'));
    await expect(write).rejects.toThrow(/2\.4 MB needed/);
  });

  it.each([
    ['EACCES', 'create', /no permission.*Choose a folder that you may write to/],
    ['EROFS', 'create', /read-only/],
    ['EDQUOT', 'create', /quota/],
  ] as const)('explains %s', async (code, operation, message) => {
    const write = writeFileAtomic(join(folder, 'x'), 'x', failing(operation, code));
    await expect(write).rejects.toThrow(message);
    await expect(write).rejects.toBeInstanceOf(ResourceError);
  });

  it('removes what a killed process left, and nothing of a living one', async () => {
    const alive = `.x.${hostname()}.${process.pid}.0.99.part`;
    writeFileSync(join(folder, `.x.${DEAD}.part`), 'half');
    writeFileSync(join(folder, alive), 'half');
    writeFileSync(join(folder, `.y.${DEAD}.part`), 'of another file');
    await writeFileAtomic(join(folder, 'x'), 'whole');
    expect(readdirSync(folder).sort()).toEqual([alive, `.y.${DEAD}.part`, 'x'].sort());
  });
});

describe('writeFolderAtomic', () => {
  const model = [
    { path: 'config.json', content: '{}' },
    { path: '1_Pooling/config.json', content: '{"mean":true}' },
  ];

  it('writes a folder, and replaces its own', async () => {
    await writeFolderAtomic(join(folder, 'model'), model);
    expect(text('model/1_Pooling/config.json')).toBe('{"mean":true}');
    await writeFolderAtomic(join(folder, 'model'), [{ path: 'config.json', content: '{"v":2}' }]);
    expect(readdirSync(join(folder, 'model')).sort()).toEqual([FOLDER_MARKER, 'config.json']);
    expect(readdirSync(folder)).toEqual(['model']);
  });

  it('refuses a folder with files of others, and replaces it when forced', async () => {
    await writeFolderAtomic(join(folder, 'model'), model);
    writeFileSync(join(folder, 'model/notes.txt'), 'mine');
    const write = writeFolderAtomic(join(folder, 'model'), model, { forceFlag: '--overwrite' });
    await expect(write).rejects.toThrow(InputError);
    await expect(write).rejects.toThrow(/\(notes\.txt\).*pass --overwrite/);
    expect(text('model/notes.txt')).toBe('mine');
    await writeFolderAtomic(join(folder, 'model'), model, { force: true });
    expect(readdirSync(join(folder, 'model')).sort()).toEqual([FOLDER_MARKER, '1_Pooling', 'config.json']);
  });

  it('takes an empty folder, not a file', async () => {
    mkdirSync(join(folder, 'empty'));
    await writeFolderAtomic(join(folder, 'empty'), model);
    expect(text('empty/config.json')).toBe('{}');
    writeFileSync(join(folder, 'file'), '');
    await expect(writeFolderAtomic(join(folder, 'file'), model)).rejects.toThrow(/this is a file/);
  });

  it('leaves nothing when its content fails, and keeps the folder that was there', async () => {
    await writeFolderAtomic(join(folder, 'model'), model);
    function* broken() {
      yield { path: 'config.json', content: '{"v":2}' };
      throw new Error('no weights');
    }
    await expect(writeFolderAtomic(join(folder, 'model'), broken())).rejects.toThrow('no weights');
    expect(text('model/config.json')).toBe('{}');
    expect(readdirSync(folder)).toEqual(['model']);
  });

  it.each(['../x', '/x', 'a//b', 'a/../b', '.', 'a\\b'])('refuses the path %s', async (path) => {
    await expect(writeFolderAtomic(join(folder, 'model'), [{ path, content: '' }])).rejects.toThrow(
      RangeError,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('puts a folder back whose replacement was killed between the two renames', async () => {
    mkdirSync(join(folder, `.model.${DEAD}.old`));
    writeFileSync(join(folder, `.model.${DEAD}.old`, 'precious.txt'), 'kept');
    mkdirSync(join(folder, `.model.${DEAD}.part`));
    await expect(writeFolderAtomic(join(folder, 'model'), model)).rejects.toThrow(/did not write/);
    expect(text('model/precious.txt')).toBe('kept');
    expect(readdirSync(folder)).toEqual(['model']);
  });

  it('is written through a link, which stays, whether it leads to a folder or nowhere yet', async () => {
    mkdirSync(join(folder, 'real'));
    symlinkSync(join(folder, 'real'), join(folder, 'model'));
    symlinkSync('new', join(folder, 'other'));
    for (const [link, real] of [
      ['model', 'real'],
      ['other', 'new'],
    ] as const) {
      await writeFolderAtomic(join(folder, link), model);
      expect(lstatSync(join(folder, link)).isSymbolicLink()).toBe(true);
      expect(text(`${real}/config.json`)).toBe('{}');
    }
    expect(readdirSync(folder).sort()).toEqual(['model', 'new', 'other', 'real']);
  });
});
