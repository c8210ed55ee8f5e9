import { expect, it, onTestFinished, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import Curves from '../../src/studio/charts/Curves.svelte';
import DevicePanel from '../../src/studio/components/DevicePanel.svelte';
import DropZone from '../../src/studio/components/DropZone.svelte';
import PassageList from '../../src/studio/components/PassageList.svelte';
import RunPanel from '../../src/studio/components/RunPanel.svelte';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';
import type { FoundPassage, RunEvent, RunOutcome } from '../../src/studio/protocol.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import { Theme } from '../../src/studio/state/theme.svelte.ts';
import { opened } from '../e2e/canned-run.ts';
import { cannedClient } from './canned-client.ts';

const stage = {
  kind: 'training',
  label: 'training of listwise, seed 1',
  key: 'k',
  arm: 'listwise',
  seed: 1,
} as const;

/** A client whose run does what the test tells it to. */
function directedClient() {
  let tell: (event: RunEvent) => void = () => undefined;
  let end: { resolve: (outcome: RunOutcome) => void; reject: (error: Error) => void } | undefined;
  let signal: AbortSignal | undefined;
  const client = cannedClient({
    endWorker: vi.fn(() => end?.resolve({ state: 'canceled' })),
    pause: vi.fn(() => Promise.resolve()),
    run: (_id, _recipe, onEvent, _access, given) => {
      tell = (event) => onEvent?.(event);
      signal = given;
      return new Promise((resolve, reject) => (end = { resolve, reject }));
    },
  });
  return {
    client,
    tell: (event: RunEvent) => tell(event),
    end: () => end,
    isCanceled: () => signal?.aborted,
  };
}

function step(at: number): RunEvent {
  const event = {
    kind: 'step',
    step: at,
    totalSteps: 20,
    epoch: 0,
    loss: 1 / at,
    terms: [],
    learningRate: 0.1,
    gradientNorm: 1,
    secondsLeft: 5,
    pairsPerSecond: 1,
    tokensPerSecond: 1,
    shareOfMatmulRate: 0.1,
  } as const;
  return { kind: 'training', stage, event, secondsLeft: { expected: 30, least: 20, most: 45 } };
}

async function running() {
  const directed = directedClient();
  const studio = new Studio(() => Promise.resolve(directed.client));
  const run = studio.view('demo', demoRecipe);
  await render(RunPanel, { run, theme: new Theme() });
  void run.start();
  await vi.waitFor(() => expect(directed.end()).toBeDefined());
  // A run that has ended holds the next test's from nothing.
  onTestFinished(async () => {
    directed.end()?.resolve({ state: 'canceled' });
    await vi.waitFor(() => expect(studio.active).toBeUndefined());
  });
  directed.tell({
    kind: 'opened',
    opened: {
      ...opened,
      plan: { ...opened.plan, stages: [{ ...stage, cost: 'training', stored: false, seconds: 40 }] },
    },
  });
  return { ...directed, studio, run };
}

it('shows how far a training is, and draws its curves', async () => {
  const { tell } = await running();
  const secondsLeft = { expected: 40, least: 27, most: 60 };
  tell({ kind: 'stage', stage, state: 'started', seconds: undefined, secondsLeft });
  for (let at = 1; at <= 5; at++) tell(step(at));
  await expect.element(page.getByText('20 to 45 s left')).toBeVisible();
  await expect.element(page.getByText('Training of listwise, seed 1: step 5 of 20')).toBeVisible();
  await expect
    .element(
      page.getByRole('img', {
        name: /^Training loss by step. listwise: from 1.00 at step 1 to 0.20 at step 5/,
      }),
    )
    .toBeVisible();
  expect(document.querySelectorAll('canvas')).toHaveLength(2);
});

it('pauses, resumes and cancels', async () => {
  const { client, tell, end, isCanceled, studio, run } = await running();
  expect(studio.active).toBe(run);
  await page.getByRole('button', { name: 'Pause' }).click();
  expect(client.pause).toHaveBeenCalledWith('demo');
  tell({ kind: 'paused' });
  await page.getByRole('button', { name: 'Resume' }).click();
  tell({ kind: 'resumed' });
  await page.getByRole('button', { name: 'Stop' }).click();
  expect(isCanceled()).toBe(true);
  end()?.resolve({ state: 'canceled' });
  await expect.element(page.getByRole('heading', { name: 'Stopped' })).toBeVisible();
  await expect.element(page.getByRole('button', { name: 'Resume' })).toBeVisible();
  expect(studio.active).toBeUndefined();
});

it('offers to end the worker of a training that does not stop, and no sooner than after 10 s', async () => {
  const { client, run } = await running();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await page.getByRole('button', { name: 'Stop' }).click();
    vi.advanceTimersByTime(9_900);
    expect(run.isStuck).toBe(false);
    vi.advanceTimersByTime(100);
    await page.getByRole('button', { name: 'Stop now (loses up to 10 s of work)' }).click();
    expect(client.endWorker).toHaveBeenCalledOnce();
    await expect.element(page.getByRole('heading', { name: 'Stopped' })).toBeVisible();
    await expect.element(page.getByText('Still stopping')).not.toBeInTheDocument();
  } finally {
    vi.useRealTimers();
  }
});

it('says what happened when the training stops or another worker goes on', async () => {
  const { tell, end } = await running();
  tell({ kind: 'warning', stage, warning: '2 texts have no known token' });
  await expect.element(page.getByText('2 texts have no known token.')).toBeVisible();
  tell({ kind: 'recovering', reason: 'the training worker was lost: the GPU is gone' });
  await expect.element(page.getByText(/the GPU is gone\. Going on from the last checkpoint/)).toBeVisible();
  end()?.reject(new Error('training diverged at step 3'));
  await expect.element(page.getByRole('alert')).toHaveTextContent('Training diverged at step 3.');
});

it('keeps to one training at a time', async () => {
  const { studio, run } = await running();
  const other = studio.view('other', { ...demoRecipe, name: 'other' });
  await other.start();
  expect(other.problem?.text).toContain('“demo” is under way');
  expect(studio.active).toBe(run);
});

it('starts and deletes nothing that another tab runs, until that has ended', async () => {
  const first = await running();
  const run = vi.fn(() => Promise.resolve({ state: 'canceled' } as const));
  const forgetRun = vi.fn(() => Promise.resolve());
  // A tab of its own has its own worker and its own state; what they share is the browser.
  const second = new Studio(() => Promise.resolve(cannedClient({ run, forgetRun })));
  const view = second.view('demo', demoRecipe);
  await view.start();
  expect(view.state).toBe('idle');
  expect(second.isElsewhere('demo')).toBe(true);
  await expect(second.forgetRun('demo')).rejects.toThrow('runs in another tab');
  expect(run).not.toHaveBeenCalled();
  expect(forgetRun).not.toHaveBeenCalled();

  const end = second.watchTabs();
  first.end()?.resolve({ state: 'canceled' });
  await vi.waitFor(() => expect(second.isElsewhere('demo')).toBe(false), { timeout: 10_000 });
  end();
  await view.start();
  expect(run).toHaveBeenCalledOnce();
});

it('draws a new chart where the theme changes, and the same one for new points', async () => {
  const curve = (values: number[]) => [
    { arm: 'a', seed: 1, totalSteps: 9, loss: values.map((value, i) => [i + 1, value] as const), dev: [] },
  ];
  const shown = await render(Curves, { curves: curve([3, 2]), theme: 'light' as const });
  const first = document.querySelector('canvas');
  await shown.rerender({ curves: curve([3, 2, 1]) });
  expect(document.querySelector('canvas')).toBe(first);
  await expect.element(page.getByRole('img', { name: /to 1.00 at step 3/ })).toBeVisible();
  await shown.rerender({ theme: 'dark' as const });
  expect(document.querySelector('canvas')).not.toBe(first);
});

it('shows passages as text', async () => {
  const passage: FoundPassage = {
    id: 'x',
    text: '<b onclick="alert(1)">bold</b>',
    score: 1,
    rank: 1,
    grade: 2,
  };
  await render(PassageList, { title: 'After', passages: [passage], other: [], side: 'after', isDemo: true });
  await expect.element(page.getByText(passage.text)).toBeVisible();
  await expect.element(page.getByText('grade 2: answers in part')).toBeVisible();
  expect(document.querySelector('b')).toBeNull();
});

it('takes a dropped file', async () => {
  const onItem = vi.fn();
  await render(DropZone, { label: 'Drop it', accepts: 'A file.', isBusy: false, onItem });
  const transfer = new DataTransfer();
  const file = new File(['x'], 'corpus.zip');
  transfer.items.add(file);
  page
    .getByRole('group', { name: 'Drop it' })
    .element()
    .dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true, bubbles: true }));
  await vi.waitFor(() => expect(onItem).toHaveBeenCalledOnce());
  expect(onItem.mock.calls[0]?.[0]).toMatchObject({ name: 'corpus.zip' });
});

it('tests on request whether the device repeats a training step', async () => {
  const studio = new Studio(() => Promise.resolve(cannedClient({})));
  await studio.open();
  await render(DevicePanel, { studio });
  await page.getByRole('button', { name: 'Test repeatability' }).click();
  await expect.element(page.getByText('The device repeats a training step to the bit.')).toBeVisible();
});
