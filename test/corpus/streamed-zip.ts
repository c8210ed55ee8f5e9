import { Zip, ZipDeflate } from 'fflate';
import { concatenate } from './raw-zip.ts';

/** A zip as streaming writers make it: sizes and checksums stand behind the data. */
export function streamedZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  const zip = new Zip((_, chunk) => parts.push(chunk));
  for (const [path, bytes] of files) {
    const entry = new ZipDeflate(path);
    zip.add(entry);
    entry.push(bytes, true);
  }
  zip.end();
  return concatenate(parts);
}
