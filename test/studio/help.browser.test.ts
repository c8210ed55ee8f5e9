import { expect, it, onTestFinished, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-svelte';
import '../../src/studio/styles/studio.css';
import Problem from '../../src/studio/components/Problem.svelte';
import Term from '../../src/studio/components/help/Term.svelte';
import HelpPage from '../../src/studio/pages/HelpPage.svelte';
import { Help } from '../../src/studio/state/help.svelte.ts';
import { Route } from '../../src/studio/state/route.svelte.ts';

/** At an address, which the next test does not begin with. */
async function helpAt(hash: string): Promise<void> {
  location.hash = hash;
  onTestFinished(() => {
    history.replaceState(null, '', '#');
  });
  await render(HelpPage, { route: new Route(), help: new Help() });
}

it('a “?” opens the definition of its term; Escape closes it and the focus returns', async () => {
  await render(Term, { name: 'nDCG@5' });
  const button = page.getByRole('button', { name: 'Definition of nDCG@5' });
  await expect.element(button).toBeVisible();
  const bubble = page.getByRole('dialog', { name: 'nDCG@5' });
  expect(bubble.query()).toBeNull();
  button.element().focus();
  await userEvent.keyboard('{Enter}');
  await expect.element(bubble).toHaveFocus();
  await expect.element(bubble).toHaveAccessibleDescription(/^The quality of the first ten results/);
  await expect
    .element(page.getByRole('link', { name: /^Glossary/ }))
    .toHaveAttribute('href', '#help/glossary/ndcg10');
  await userEvent.keyboard('{Escape}');
  await vi.waitFor(() => expect(bubble.query()).toBeNull());
  await expect.element(button).toHaveFocus();
});

it('the definition is inside the window, wherever its button is', async () => {
  await page.viewport(360, 640);
  onTestFinished(() => page.viewport(1280, 720));
  for (const place of ['top: 0; left: 0', 'bottom: 0; right: 0']) {
    const { container, unmount } = await render(Term, { name: 'Holm' });
    container.setAttribute('style', `position: fixed; ${place}`);
    await page.getByRole('button', { name: 'Definition of Holm' }).click();
    await expect.element(page.getByText(/adjustment of p-values/)).toBeVisible();
    await expect.element(page.getByRole('dialog')).toHaveFocus();
    const box = page.getByRole('dialog').element().getBoundingClientRect();
    expect(box.left).toBeGreaterThanOrEqual(0);
    expect(box.right).toBeLessThanOrEqual(innerWidth);
    expect(box.top).toBeGreaterThanOrEqual(0);
    expect(box.bottom).toBeLessThanOrEqual(innerHeight);
    await unmount();
  }
});

it('a message that names a page of docs/ links to it', async () => {
  await render(Problem, {
    title: 'This recipe cannot run',
    problem: {
      text: 'The recipe is invalid.',
      remedy: 'Fix the recipe; docs/recipes.md describes its members.',
    },
  });
  const link = page.getByRole('link', { name: 'docs/recipes.md' });
  await expect.element(link).toHaveAttribute('href', '#help/recipes');
  await expect
    .element(page.getByText('Fix the recipe; docs/recipes.md describes its members.'))
    .toBeVisible();
});

it('shows a page of docs/, and goes to the section that the address names', async () => {
  await helpAt('#help/recipes/read-the-report');
  const heading = page.getByRole('heading', { level: 2, name: 'Read the report' });
  await expect.element(heading).toHaveFocus();
  expect(heading.element().getBoundingClientRect().top).toBeLessThan(innerHeight);
  expect(document.title).toBe('Recipes · Help · Retriever Studio');
  // Of the contents, and of the text: a link to another page, and one within this one.
  await expect
    .element(
      page
        .getByRole('navigation', { name: 'Help pages' })
        .getByRole('link', { name: 'Recipes', exact: true }),
    )
    .toHaveAttribute('aria-current', 'page');
  await page.getByRole('article').getByRole('link', { name: 'Losses' }).first().click();
  await expect.element(page.getByRole('heading', { level: 1, name: 'Losses' })).toBeVisible();
  await expect
    .element(page.getByRole('heading', { level: 2, name: 'Listwise distillation over the batch' }))
    .toHaveFocus();
  // What a link of docs/ names beside the pages is text.
  expect(page.getByRole('link', { name: 'recipe.schema.json' }).query()).toBeNull();
});

it('goes to a term of the glossary', async () => {
  await helpAt('#help/glossary/hard-negative');
  await vi.waitFor(() => expect(document.activeElement?.id).toBe('help-hard-negative'));
  expect(document.activeElement?.textContent.trim().replace(/\s+/g, ' ')).toMatch(
    /^hard negative: A passage that is not relevant but scores high\./,
  );
});

it('finds sections by their words', async () => {
  await helpAt('#help');
  await expect.element(page.getByRole('heading', { level: 1, name: 'Help' })).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search the help' }).fill('data sets in one table');
  await expect.element(page.getByText(/^\d+ sections?$/)).toBeVisible();
  await page.getByRole('link', { name: 'Several data sets in one table' }).click();
  await expect
    .element(page.getByRole('heading', { level: 1, name: 'The recipes of three papers' }))
    .toBeVisible();
  await page.getByRole('searchbox').fill('xylophone');
  await expect.element(page.getByText('No section has all of these words.')).toBeVisible();
});

it('copies code, and says so', async () => {
  const written = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
  onTestFinished(() => written.mockRestore());
  await helpAt('#help/import');
  await page.getByRole('button', { name: 'Copy' }).first().click();
  expect(written.mock.calls[0]?.[0]).toMatch(/^npm run studio -- import FILES --preview\n/);
  await expect.element(page.getByText('Code copied')).toBeInTheDocument();
});

it('says which page there is not', async () => {
  await helpAt('#help/nowhere');
  await expect.element(page.getByText('There is no help page “nowhere”. Choose one of these:')).toBeVisible();
  await expect
    .element(
      page
        .getByRole('main')
        .or(page.getByRole('link', { name: 'Losses' }))
        .first(),
    )
    .toBeVisible();
});
