import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import type { LoweredArm, LoweredReport } from '../../src/pipeline/lowered-report.ts';
import PushedDown from '../../src/studio/components/PushedDown.svelte';

const text = (id: string): { id: string; text: string } => ({ id, text: `text of ${id}` });
const arm = (name: string, leftTopTen: number): LoweredArm => ({
  ...{ name, seed: 1, inTopTen: 9, leftTopTen, steps: { from: 0, to: 50 }, typicalPush: 2 },
  passages: [
    {
      ...{ query: text('q1'), passage: { id: 'd1', text: '<b>bold</b>' }, grade: 3, before: 3, after: 14 },
      ...{ push: 12.3, pull: 1, isHardlyPushed: false },
      lists: [
        { query: text('list'), positive: text('d2'), push: 8.25 },
        { query: text('other'), positive: { id: 'd1', text: '' }, push: 4 },
      ],
    },
    {
      ...{ query: text('q2'), passage: text('d3'), grade: 2, before: 9, after: null },
      ...{ push: 0.1, pull: 1, isHardlyPushed: true, lists: [] },
    },
  ],
});
const lowered: LoweredReport = { grade: 2, depth: 100, arms: [arm('listwise', 1), arm('contrastive', 4)] };

it('names what the arm that lost most ranked lower, and the lists that pushed it', async () => {
  await render(PushedDown, { lowered });
  const region = page.getByRole('region', { name: 'What contrastive training ranked lower' });
  await expect.element(region.getByText('4 of 9 relevant passages left the first ten.')).toBeVisible();
  await expect.element(region.getByText('rank 3 → 14')).toBeVisible();
  await expect.element(region.getByText('rank 9 → below 100')).toBeVisible();
  await expect.element(region.getByText('Hardly pushed: others rose past it')).toBeVisible();
  // A corpus is other people's text.
  await expect.element(region.getByText('<b>bold</b>')).toBeVisible();
  await expect.element(region.getByText('for the passage: text of d2')).not.toBeVisible();
  await region.getByText('Pushed down by these lists').click();
  await expect.element(region.getByText('for the passage: text of d2')).toBeVisible();
  await expect.element(region.getByText('8.25')).toBeVisible();
  await expect.element(region.getByText('its own list')).toBeVisible();
  // The others are closed.
  await expect
    .element(page.getByText('Listwise: 1 of 9 relevant passages left the first ten.'))
    .toBeVisible();
});

it('says where a training has no record', async () => {
  await render(PushedDown, { lowered: { ...lowered, arms: [{ ...arm('old', 2), steps: null }] } });
  await expect.element(page.getByText(/stored by an earlier version, which recorded none/)).toBeVisible();
  await expect.element(page.getByText('rank 3 → 14')).toBeVisible();
  expect(document.querySelector('details')).toBeNull();
});
