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

it('draws the verdict as a picture of 1200 by 630 pixels', async () => {
  const bytes = await drawVerdict(report);
  const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  expect([bitmap.width, bitmap.height]).toEqual([1200, 630]);
});
