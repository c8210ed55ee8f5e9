/** Deleting what is kept, and taking that back, by keyboard. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import App from '../../src/studio/App.svelte';
import { Deletions } from '../../src/studio/state/deletions.svelte.ts';
import { Route } from '../../src/studio/state/route.svelte.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import { Theme } from '../../src/studio/state/theme.svelte.ts';
import { kept, keptCorpus, runs } from '../e2e/canned-run.ts';
import { cannedClient } from './canned-client.ts';

const encoder = { ...keptCorpus, id: 'mini-1', name: 'MiniLM', kind: 'model', splits: [] } as const;

async function visit(hash: string) {
  localStorage.clear();
  location.hash = hash;
  const deleted: string[] = [];
  const forget = (id: string): Promise<void> => {
    deleted.push(id);
    return Promise.resolve();
  };
  const left = <T extends object>(all: readonly T[], id: (each: T) => string) =>
    Promise.resolve(all.filter((each) => !deleted.includes(id(each))));
  const client = cannedClient({
    kept: () => left([...kept, encoder], ({ id }) => id),
    runs: () => left(runs, ({ runId }) => runId),
    forgetKept: forget,
    forgetRun: forget,
  });
  const studio = new Studio(() => Promise.resolve(client));
  await studio.open();
  await render(App, { studio, route: new Route(), theme: new Theme() });
  return { deleted, studio };
}

const button = (name: string | RegExp) => page.getByRole('button', { name });
const undo = button('Undo');

async function takeBack(): Promise<void> {
  await expect.element(undo).toBeVisible();
  (undo.element() as HTMLElement).focus();
  await userEvent.keyboard('{Enter}');
}

it('deletes what is kept at once, moves the focus to the next row, and takes it back', async () => {
  const { deleted } = await visit('#own-data');
  const first = button('Delete Qwen3-0.6B-q4f16_1-MLC');
  const second = button(/^Delete qwen2.5/);
  await first.click();
  await expect.element(first).not.toBeInTheDocument();
  await expect.element(second).toHaveFocus();
  await expect.element(page.getByText('Qwen3-0.6B-q4f16_1-MLC is deleted.')).toBeVisible();
  await takeBack();
  await expect.element(first).toHaveFocus();
  expect(deleted).toEqual([]);

  // Two in a row: the second one can be undone.
  await first.click();
  await userEvent.keyboard('{Enter}');
  await expect.element(button('Delete MiniLM')).toHaveFocus();
  await vi.waitFor(() => expect(deleted).toEqual([kept[1]?.id]));
  await takeBack();
  await expect.element(second).toHaveFocus();
});

it('takes a deleted encoder back as what it was chosen for', async () => {
  await visit('#own-data/own-corpus-1/train');
  await page.getByLabelText('Start from').selectOptions('MiniLM (kept here)');
  await page.getByRole('link', { name: 'All projects' }).click();
  await button('Delete MiniLM').click();
  await expect.element(undo).toBeVisible();
  await page.getByRole('link', { name: 'Open own corpus' }).click();
  await expect.element(page.getByLabelText('Start from')).toHaveValue('nano');
  await takeBack();
  await expect.element(page.getByLabelText('Start from')).toHaveValue('mini-1');
});

it('takes a deleted project back from its own screen', async () => {
  await visit('#own-data/own-corpus-1/data');
  await button('Delete this corpus').click();
  await expect.element(page.getByRole('heading', { level: 1, name: 'Train on your own data' })).toHaveFocus();
  expect(page.getByRole('link', { name: 'Open own corpus' }).elements()).toEqual([]);
  await takeBack();
  await expect.element(button('Delete own corpus')).toHaveFocus();
});

it('deletes results in the same way', async () => {
  const { deleted } = await visit('#results');
  const all = page.getByRole('list').getByRole('button', { name: /^Delete/ });
  await all.first().click();
  await expect.element(undo).toBeVisible();
  await vi.waitFor(() => expect(all.elements()).toHaveLength(runs.length - 1));
  await expect.element(all.first()).toHaveFocus();
  await takeBack();
  await vi.waitFor(() => expect(all.elements()).toHaveLength(runs.length));
  await expect.element(all.first()).toHaveFocus();
  expect(deleted).toEqual([]);
});

describe('a deletion', () => {
  afterEach(() => vi.useRealTimers());

  const ask = (deletions: Deletions, commit: () => Promise<void> = () => Promise.resolve()) => {
    const spied = { commit: vi.fn(commit), undo: vi.fn() };
    deletions.ask({ id: 'a', name: 'A', ...spied });
    return spied;
  };

  it('is for good after ten seconds, but not while somebody is about to undo it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const deletions = new Deletions(() => true);
    const { commit } = ask(deletions);
    expect(deletions.hides('a')).toBe(true);
    await vi.advanceTimersByTimeAsync(9000);
    deletions.hold();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(commit).not.toHaveBeenCalled();
    deletions.release();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(commit).toHaveBeenCalledOnce();
    expect(deletions.hides('a')).toBe(false);
  });

  it('waits for the end of a training', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let isTraining = true;
    const deletions = new Deletions(() => !isTraining);
    const { commit } = ask(deletions);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(commit).not.toHaveBeenCalled();
    isTraining = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(commit).toHaveBeenCalledOnce();
  });

  it('that fails says why, and is taken back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const deletions = new Deletions(() => true);
    const { undo } = ask(deletions, () => Promise.reject(new Error('the disk is gone')));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(undo).toHaveBeenCalledOnce();
    expect(deletions.problem?.text).toMatch(/the disk is gone/i);
    expect(deletions.hides('a')).toBe(false);
  });
});
