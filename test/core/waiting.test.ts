import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sleep, startTimer } from '../../src/core/waiting.ts';

const day = 24 * 3600;

describe('a wait', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it.each([1, 24, 25, 60, 400])('of %i days lasts as long', async (days) => {
    let isOver = false;
    void sleep(days * day).then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(days * day * 1000 - 1);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isOver).toBe(true);
  });

  it.each([1, 60])('of %i days can be canceled at any time', async (days) => {
    const act = vi.fn();
    const cancel = startTimer(act, days * day * 1000);
    await vi.advanceTimersByTimeAsync(0.9 * days * day * 1000);
    cancel();
    await vi.advanceTimersByTimeAsync(days * day * 1000);
    expect(act).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends with its signal, and leaves no timer', async () => {
    const stop = new AbortController();
    const ended = expect(sleep(60 * day, stop.signal)).rejects.toThrow('enough');
    stop.abort(new Error('enough'));
    await ended;
    expect(vi.getTimerCount()).toBe(0);
  });
});
