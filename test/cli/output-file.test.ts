import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkOutputFile, checkWritableFolder, writeOutputFile } from '../../src/cli/output-file.ts';
import { temporaryFolder } from '../support/cli.ts';
import { itUnless } from '../support/skip.ts';

describe('an output file', () => {
  it('is written through a link, which stays', async () => {
    const folder = temporaryFolder({ 'real.run': 'before\n' });
    const link = join(folder, 'link.run');
    symlinkSync('real.run', link);
    await checkOutputFile(link);
    await writeOutputFile(link, 'after\n');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'real.run'), 'utf8')).toBe('after\n');
    expect(readdirSync(folder).sort()).toEqual(['link.run', 'real.run']);
  });

  it('is written through links that lead nowhere yet, which stay', async () => {
    const folder = temporaryFolder();
    symlinkSync('folder/next', join(folder, 'link.run'));
    mkdirSync(join(folder, 'folder'));
    symlinkSync('../made/real.run', join(folder, 'folder/next'));
    await checkOutputFile(join(folder, 'link.run'));
    await writeOutputFile(join(folder, 'link.run'), 'text\n');
    expect(lstatSync(join(folder, 'link.run')).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(folder, 'folder/next')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'made/real.run'), 'utf8')).toBe('text\n');
    symlinkSync('circle', join(folder, 'circle'));
    await expect(checkOutputFile(join(folder, 'circle'))).rejects.toThrow(
      /circle: .*cannot be written.*ELOOP/,
    );
  });

  it('does not take the place of a pipe or a device', async () => {
    const pipe = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(checkOutputFile(pipe)).rejects.toThrow(/pipe: this is a device or a pipe.*Use the path/);
    await expect(writeOutputFile(pipe, 'text')).rejects.toThrow(/a device or a pipe/);
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    await expect(checkOutputFile('/dev/null')).rejects.toThrow(/a device or a pipe/);
  });

  it('may lie in folders that are still to be made, not below a file', async () => {
    const folder = temporaryFolder({ file: '' });
    await checkOutputFile(join(folder, 'a/b/out.run'));
    expect(readdirSync(folder)).toEqual(['file']);
    await expect(checkOutputFile(join(folder, 'file/out.run'))).rejects.toThrow(/cannot be written.*ENOTDIR/);
    await expect(checkOutputFile(folder)).rejects.toThrow(/EISDIR/);
    await expect(checkOutputFile('')).rejects.toThrow(/EISDIR/);
  });

  const asRoot = process.getuid?.() === 0 ? 'root may write anywhere' : undefined;
  itUnless(asRoot, 'is refused in a folder that may not be written', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o555);
    await expect(checkOutputFile(join(folder, 'out.run'))).rejects.toThrow(
      /out\.run: No permission to write/,
    );
    await expect(checkWritableFolder(join(folder, 'a/b'), 'a/b')).rejects.toThrow(/^a\/b: No permission/);
  });
});
