import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../src/core/source.ts';
import { attacks } from './attacks.ts';
import { cpuMilliseconds, refused } from './support.ts';

const MAX_MILLISECONDS = 2000;
const MAX_GROWTH_BYTES = 100e6;

/** The most memory the process ever had; only grows. */
const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

/**
 * Watches the memory while a source is read: at each chunk, since an earlier peak hides a later, smaller one from
 * `peakBytes`.
 */
function watched(source: ByteSource): { readonly source: ByteSource; readonly growthBytes: () => number } {
  const start = process.memoryUsage.rss();
  const startPeak = peakBytes();
  let most = start;
  async function* stream(from?: number, to?: number): AsyncGenerator<Uint8Array> {
    for await (const chunk of source.stream(from, to)) {
      yield chunk;
      most = Math.max(most, process.memoryUsage.rss());
    }
  }
  return {
    source: { name: source.name, size: source.size, stream },
    growthBytes: () => Math.max(most - start, process.memoryUsage.rss() - start, peakBytes() - startPeak),
  };
}

// Frozen for the whole file: an input that writes to it makes a test fail.
Object.freeze(Object.prototype);

describe('hostile inputs are refused in time and memory', () => {
  it.each(attacks)('$name', async ({ make, read, says }) => {
    const { source, growthBytes } = watched(make());
    const start = process.cpuUsage();
    const message = await refused(read(source));
    const milliseconds = cpuMilliseconds(start);
    const growth = growthBytes();
    if (process.env.REPORT)
      console.log(`${milliseconds.toFixed(0)} ms, ${(growth / 1e6).toFixed(0)} MB: ${message}`);

    expect(message.startsWith(source.name), message).toBe(true);
    expect(message).toMatch(says);
    // Place and problem, then the remedy: two sentences, one line.
    expect(message).toMatch(/^\S.+\. .+\.$/);
    expect(message.length).toBeLessThan(600);
    expect(milliseconds).toBeLessThan(MAX_MILLISECONDS);
    expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
  });
});
