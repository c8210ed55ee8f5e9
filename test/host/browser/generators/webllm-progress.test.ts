import { describe, expect, it } from 'vitest';
import { WebllmProgress } from '../../../../src/host/browser/generators/webllm-progress.ts';

const MiB = 2 ** 20;

describe('what WebLLM says while it loads', () => {
  it('becomes phases with bytes and the time left, by our own clock', () => {
    let now = 5000;
    const progress = new WebllmProgress(() => now);
    const fetched = (share: number, megabytes: number) =>
      progress.read({
        progress: share,
        text: `Fetching param cache[3/12]: ${megabytes}MB fetched. ${Math.floor(share * 100)}% completed, 99 secs elapsed. It can take a while when we first visit this page to populate the cache. Later refreshes will become faster.`,
      });
    expect(progress.read({ progress: 0, text: 'Start to fetch params' })).toEqual({
      phase: 'download',
      share: 0,
    });
    now += 10_000;
    expect(fetched(0.25, 100)).toEqual({
      phase: 'download',
      share: 0.25,
      receivedBytes: 100 * MiB,
      totalBytes: 400 * MiB,
      secondsLeft: 30,
    });
    now += 20_000;
    expect(fetched(0.75, 300)).toMatchObject({ share: 0.75, secondsLeft: 10 });
    expect(
      progress.read({
        progress: 0.1,
        text: 'Loading model from cache[1/12]: 40MB loaded. 10% completed, 1 secs elapsed.',
      }),
    ).toEqual({ phase: 'read', share: 0.1, receivedBytes: 40 * MiB, totalBytes: 400 * MiB });
    now += 1000;
    expect(
      progress.read({
        progress: 0.6,
        text: 'Loading model from cache[7/12]: 240MB loaded. 60% completed, 2 secs elapsed.',
      }),
    ).toMatchObject({ phase: 'read', secondsLeft: 0.8 });
    now += 1000;
    expect(
      progress.read({
        progress: 0,
        text: 'Loading GPU shader modules[0/80]: 0% completed, 0 secs elapsed.',
      }),
    ).toEqual({ phase: 'compile', share: 0 });
    now += 4000;
    expect(
      progress.read({
        progress: 0.5,
        text: 'Loading GPU shader modules[40/80]: 50% completed, 4 secs elapsed.',
      }),
    ).toEqual({ phase: 'compile', share: 0.5, secondsLeft: 4 });
    expect(progress.read({ progress: 1, text: 'Finish loading on WebGPU - nvidia' })).toEqual({
      phase: 'check',
    });
  });

  it('is left out where it says nothing', () => {
    expect(new WebllmProgress(() => 0).read({ progress: 0.5, text: 'Something new' })).toBeUndefined();
  });
});
