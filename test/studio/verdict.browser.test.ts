import { expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import ChangeStrip from '../../src/studio/components/ChangeStrip.svelte';
import { drawVerdict } from '../../src/studio/window/verdict-picture.ts';
import { report } from '../e2e/canned-run.ts';

const changes = [
  { id: 'a', before: 0.5, after: 0.4, change: 'worse' },
  { id: 'b', before: 0.5, after: 0.9, change: 'better' },
  { id: 'c', before: 0.5, after: 0.5, change: 'same' },
] as const;

it('shows every query as a cell with its text, and opens the one that is chosen by keyboard', async () => {
  const onOpen = vi.fn();
  await render(ChangeStrip, {
    label: 'Listwise',
    changes,
    textOf: (id: string) => `question ${id}`,
    onOpen,
  });
  await expect.element(page.getByText('better on 1, the same on 1, worse on 1')).toBeVisible();
  const first = page.getByRole('button', { name: 'question b (better: 0.50 → 0.90)' });
  await userEvent.tab();
  await expect.element(first).toHaveFocus();
  await userEvent.keyboard('{End}');
  await expect.element(page.getByRole('button', { name: /^question a/ })).toHaveFocus();
  await userEvent.keyboard('{ArrowLeft}{Enter}');
  expect(onOpen).toHaveBeenCalledExactlyOnceWith('c');
  // The strip is one stop on the way through the page.
  await userEvent.tab();
  expect(document.activeElement?.closest('.strip')).toBeNull();
});

it('draws the verdict as a picture of 1200 by 630 pixels, with bars as long as the counts', async () => {
  const values = (after: readonly number[]) => ({ ndcg_cut_10: [after] });
  const systems = {
    untrained: values([0.5, 0.5, 0.5, 0.5]),
    contrastive: values([0.4, 0.4, 0.4, 0.4]),
    listwise: values([0.9, 0.9, 0.9, 0.5]),
  };
  const perQuery = { queries: ['a', 'b', 'c', 'd'], systems };
  const bytes = await drawVerdict({ ...report, results: { ...report.results, perQuery } });
  const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  expect([bitmap.width, bitmap.height]).toEqual([1200, 630]);
  const context = new OffscreenCanvas(1200, 630).getContext('2d');
  if (context === null) throw new Error('there is no canvas');
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, 1200, 630);
  const pixelsOf = (red: number, green: number, blue: number): number => {
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count++;
    }
    return count;
  };
  const [better, same, worse] = [pixelsOf(28, 102, 56), pixelsOf(181, 177, 166), pixelsOf(156, 44, 37)];
  expect(better).toBe(3 * same);
  expect(worse).toBe(4 * same);
  expect(same).toBeGreaterThan(0);
});
