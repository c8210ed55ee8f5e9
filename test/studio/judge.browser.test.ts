import { afterEach, expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import '../../src/studio/styles/studio.css';
import JudgePanel from '../../src/studio/components/judge/JudgePanel.svelte';
import RunResults from '../../src/studio/components/RunResults.svelte';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';
import type { FoundPassage, TestQuery } from '../../src/studio/protocol.ts';
import { readJudgments } from '../../src/studio/state/judgments.ts';
import { Studio } from '../../src/studio/state/studio.svelte.ts';
import { opened, report as cannedReport } from '../e2e/canned-run.ts';
import { cannedClient } from './canned-client.ts';

const runId = 'judged';
const queries: readonly TestQuery[] = Array.from({ length: 3 }, (_, i) => ({
  id: `q${i}`,
  text: `question number ${i}`,
}));
const report = { ...cannedReport, corpus: { ...cannedReport.corpus, testQueries: queries.length } };

afterEach(() => localStorage.clear());

/** Passage names, the best first; every system but the untrained one finds the good one first. */
function found(system: string, query: string): readonly FoundPassage[] {
  const names = system === 'untrained' ? ['poor', 'good'] : ['good', 'fair'];
  return names.map((name, i) => ({
    ...{ id: `${query}-${name}`, rank: i + 1, score: 1 / (i + 1), grade: undefined },
    text: `A ${name} passage for ${query}.`,
  }));
}

function judgedRun(own: Parameters<typeof cannedClient>[0] = {}) {
  const search = vi.fn((_run: string, query: string, systems: readonly string[]) =>
    Promise.resolve({
      queryId: undefined,
      found: systems.map((system) => ({ system, passages: found(system, query) })),
    }),
  );
  const client = cannedClient({
    openRun: () => Promise.resolve({ ...opened, runId }),
    run: () => Promise.resolve({ state: 'finished', report }),
    testQueries: () => Promise.resolve(queries),
    search,
    ...own,
  });
  const studio = new Studio(() => Promise.resolve(client));
  return { run: studio.view(runId, demoRecipe), search, client };
}

/** The passage that has the focus. */
function focused(): string {
  return document.activeElement?.querySelector('p')?.textContent ?? '';
}

/** Grades whatever is shown as its name deserves. */
async function gradeQuery(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await vi.waitFor(() => expect(focused()).toMatch(/passage for/));
    const before = document.activeElement;
    await userEvent.keyboard(focused().includes('good') ? '3' : focused().includes('fair') ? '1' : '0');
    await vi.waitFor(() => expect(document.activeElement).not.toBe(before));
  }
}

const progress = (): string => page.getByText(/^Query \d of \d$/).element().textContent;

it('mixes the passages of two systems without saying who found them, and grades by keys', async () => {
  const { run, search } = judgedRun();
  await render(JudgePanel, { run, report, starts: true });
  await expect.element(page.getByText('Query 1 of 3')).toBeVisible();
  expect(search).toHaveBeenCalledWith(runId, expect.stringContaining('question'), ['untrained', 'listwise']);
  // The passage that both found is shown once; no rank and no system is named beside a passage.
  const passages = page.getByRole('group', { name: /^Passage/ });
  expect(passages.elements()).toHaveLength(3);
  for (const element of passages.elements()) expect(element.textContent).not.toMatch(/untrained|listwise/i);

  await expect.element(passages.first()).toHaveFocus();
  await userEvent.keyboard('j');
  await expect.element(passages.nth(1)).toHaveFocus();
  await userEvent.keyboard('{ArrowUp}');
  await expect.element(passages.first()).toHaveFocus();
  await userEvent.keyboard('2');
  await expect.element(page.getByRole('group', { name: 'Passage 1 of 3, grade 2' })).toBeVisible();
  await expect.element(passages.nth(1)).toHaveFocus();
  await userEvent.keyboard('u');
  await expect.element(page.getByRole('group', { name: 'Passage 1 of 3, no grade' })).toHaveFocus();

  // The same by buttons, which say what a grade means.
  await passages.first().getByRole('button', { name: '1 same topic' }).click();
  await expect.element(page.getByRole('group', { name: 'Passage 1 of 3, grade 1' })).toBeVisible();
});

it('shows both systems on what was judged, with the difference, beside where the queries are from', async () => {
  const written = {
    test: { source: 's', by: 'model', model: 'm', queries: 3, passages: 3, passagesWithoutQuery: 0 },
  } as const;
  const { run } = judgedRun();
  await render(JudgePanel, {
    run,
    report: { ...report, corpus: { ...report.corpus, written } },
    starts: true,
  });
  await gradeQuery();
  await vi.waitFor(() => expect(progress()).toBe('Query 2 of 3'));
  // While somebody judges, the result is not in sight.
  expect(page.getByRole('region', { name: 'Results on your judgments' }).query()).toBeNull();
  await gradeQuery();
  await page.getByRole('button', { name: 'Show the result of 2 queries' }).click();
  const table = page.getByRole('region', { name: 'Results on your judgments' });
  await expect
    .element(
      table.getByText(
        /^On your judgments: 2 test queries \(on queries that a model wrote\), a random sample of 3; 6 passages graded/,
      ),
    )
    .toBeVisible();
  // Good first and fair second is the ideal; 3 at rank 2 of it is 7 / log2(3) of 7 + 1 / log2(3), with gain as trec_eval has it.
  const rows = table.getByRole('row');
  await expect.element(rows.nth(1)).toHaveTextContent(/^Untrained encoder/);
  await expect.element(rows.nth(2)).toHaveTextContent(/^Listwise.*1\.000.*\+0\.\d{3}/);
});

it('goes on where it was after a reload, takes another system, and exports', async () => {
  const first = await render(JudgePanel, { ...judgedRun(), report, starts: true });
  await gradeQuery();
  await vi.waitFor(() => expect(progress()).toBe('Query 2 of 3'));
  await userEvent.keyboard('2');
  await first.unmount();

  // In another visit what was judged is there at once, before anything is searched for.
  const { run, search } = judgedRun();
  await render(JudgePanel, { run, report });
  await expect.element(page.getByRole('region', { name: 'Results on your judgments' })).toBeVisible();
  expect(search).not.toHaveBeenCalled();
  await page.getByRole('button', { name: 'Continue judging' }).click();
  await expect.element(page.getByText('Query 2 of 3')).toBeVisible();
  await expect.element(page.getByRole('group', { name: /^Passage \d of 3, grade 2/ })).toBeVisible();

  // Another system finds the same here: nothing is judged twice.
  await page.getByRole('combobox', { name: 'Compared with it' }).selectOptions('contrastive');
  await expect.element(page.getByText('Query 2 of 3')).toBeVisible();
  expect(JSON.parse(readJudgments(runId) ?? '')).toMatchObject({ systems: ['untrained', 'contrastive'] });

  const link = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
  await page.getByRole('button', { name: 'Export judgments (qrels TSV)' }).click();
  expect(link).toHaveBeenCalledOnce();
  link.mockRestore();
  await page.getByRole('button', { name: 'Delete my judgments' }).click();
  expect(readJudgments(runId)).toBeUndefined();
  await expect.element(page.getByRole('heading', { name: 'Your judgments' })).toHaveFocus();
});

it('ends with the result of all queries, and lets the grades be reviewed', async () => {
  const { run } = judgedRun();
  await render(JudgePanel, { run, report, starts: true });
  for (let i = 0; i < 3; i++) await gradeQuery();
  await expect.element(page.getByText('All 3 queries are judged.')).toBeVisible();
  await expect.element(page.getByRole('group', { name: 'Result on your judgments' })).toHaveFocus();
  await page.getByRole('button', { name: 'Review the grades' }).click();
  await expect.element(page.getByText('Query 1 of 3')).toBeVisible();
});

it('says why nothing can be searched, and tries again', async () => {
  const testQueries = vi
    .fn(() => Promise.resolve(queries))
    .mockRejectedValueOnce(new Error('the worker is busy'));
  const { run } = judgedRun({ testQueries });
  await render(JudgePanel, { run, report, starts: true });
  await expect.element(page.getByText('The worker is busy.')).toBeVisible();
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect.element(page.getByText('Query 1 of 3')).toBeVisible();
});

it('is opened by a button of the results, which loads it then', async () => {
  const { run } = judgedRun();
  await render(RunResults, { run, report });
  await page.getByRole('button', { name: 'Judge 3 queries yourself (about 1 min)' }).click();
  await expect.element(page.getByText('Query 1 of 3')).toBeVisible();
});

it('asks the worker one question after the other', async () => {
  let underWay = 0;
  const search = vi.fn(async (_run: string, query: string, systems: readonly string[]) => {
    expect(++underWay).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    underWay--;
    return {
      queryId: undefined,
      found: systems.map((system) => ({ system, passages: found(system, query) })),
    };
  });
  const { run } = judgedRun({ search });
  await Promise.all(['a', 'b', 'c'].map((query) => run.search(query, ['bm25'])));
  expect(search).toHaveBeenCalledTimes(3);
});
