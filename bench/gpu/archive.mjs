// @ts-check
/** Writes a folder as a .tar.xz of limited size. */
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** 40 MiB: what the narrowest ways onto a machine take in one piece. */
export const partBytes = 40 * 2 ** 20;

/** For programs: the filter for x86 code, and a dictionary in which the largest of them has room. */
const densest = ['--x86', '--lzma2=preset=9e,dict=128MiB'];
/** For what comes in parts anyway: a third larger, in a fraction of the time. */
const quick = ['--x86', '--lzma2=preset=4', '--threads=0'];

/**
 * @param {string} folder becomes the archive's only entry
 * @param {string} file
 * @param {{ readonly limit?: number, readonly xz?: readonly string[] }} [options]
 * @returns {Promise<number>} its bytes
 * @throws if it is larger than the limit; no archive is there then
 */
export async function writeArchive(folder, file, { limit = partBytes, xz = densest } = {}) {
  const fresh = `${file}.new`;
  try {
    await compress(folder, fresh, xz);
    const { size } = statSync(fresh);
    if (size > limit) {
      throw new Error(
        `${basename(file)}: ${bytesInWords(size)} are more than the ${bytesInWords(limit)} that an archive may have. ` +
          'Remove files from it, or raise the limit.',
      );
    }
    renameSync(fresh, file);
    return size;
  } finally {
    rmSync(fresh, { force: true });
  }
}

/**
 * The same in parts, `FILE.1`, `FILE.2` …, which `cat` joins.
 * @param {string} folder
 * @param {string} file
 * @param {{ readonly limit?: number, readonly xz?: readonly string[] }} [options]
 * @returns {Promise<readonly { readonly file: string, readonly bytes: number }[]>}
 */
export async function writeArchiveInParts(folder, file, { limit = partBytes, xz = quick } = {}) {
  const whole = `${file}.new`;
  try {
    await compress(folder, whole, xz);
    const { size } = statSync(whole);
    /** @type {{ file: string, bytes: number }[]} */
    const parts = [];
    for (let start = 0; start < size; start += limit) {
      const part = `${file}.${parts.length + 1}`;
      const end = Math.min(start + limit, size);
      await pipeline(createReadStream(whole, { start, end: end - 1 }), createWriteStream(part));
      parts.push({ file: part, bytes: end - start });
    }
    return parts;
  } finally {
    rmSync(whole, { force: true });
  }
}

/** @param {number} bytes */
export function bytesInWords(bytes) {
  return `${bytes.toLocaleString('en-US')} bytes (${(bytes / 2 ** 20).toFixed(1)} MiB)`;
}

/**
 * @param {string} folder
 * @param {string} file
 * @param {readonly string[]} filters
 */
async function compress(folder, file, filters) {
  // The same bytes from the same files: no owners, no times, one order.
  const plain = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
  const tar = spawn('tar', [...plain, '-cf', '-', '-C', dirname(folder), basename(folder)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const xz = spawn('xz', ['--compress', '--stdout', '--threads=1', ...filters], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await Promise.all([
    ended('tar', tar),
    ended('xz', xz),
    pipeline(tar.stdout, xz.stdin),
    pipeline(xz.stdout, createWriteStream(file)),
  ]);
}

/**
 * @param {string} name
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<void>}
 */
function ended(name, child) {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`${name} could not be started: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${name} ended with code ${code}`));
    });
  });
}
