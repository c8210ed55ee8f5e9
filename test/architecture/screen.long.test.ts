/** How many files a screen takes: a contributor's patch is applied to a copy of the sources, built and opened. */
import { expect, it } from 'vitest';
import { servePage } from '../../scripts/serve-page.mjs';
import { testBrowser } from '../support/built-page.ts';
import { noChromium } from '../support/chromium-process.ts';
import { patchSources } from '../support/patched-sources.ts';
import { describeUnless } from '../support/skip.ts';

const glossaryPage = `
<script lang="ts">
  import { Route } from '../state/route.svelte.ts';

  let { route }: { route: Route } = $props();

  const terms: Readonly<Record<string, string>> = {
    nDCG: 'Normalized discounted cumulative gain.',
    'hard negative': 'A passage that only seems relevant.',
  };
</script>

<section class="stack">
  <h1 tabindex="-1">{route.item ?? 'Terms'}</h1>
  {#if route.item === undefined}
    <ul>
      {#each Object.keys(terms) as term (term)}<li><a href={Route.to('glossary', term)}>{term}</a></li>{/each}
    </ul>
  {:else}
    <p>{terms[route.item] ?? 'No such term.'}</p>
  {/if}
</section>
`;

describeUnless(noChromium, 'a screen', () => {
  const browser = testBrowser();

  it('takes one file and its place in the list', async () => {
    const sources = patchSources({
      'src/studio/pages/GlossaryPage.svelte': glossaryPage,
      'src/studio/screens.ts': (text) =>
        text.replace(
          /\n\];/,
          "\n  { name: 'glossary', title: 'Glossary', load: () => import('./pages/GlossaryPage.svelte') },$&",
        ),
    });
    expect(await sources.checkBrowser()).toBe('');
    expect(await sources.checkComponents()).toBe('');
    const server = await servePage(await sources.buildPage());
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(60_000);
      await page.goto(server.address);
      const link = page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Glossary' });
      await link.click();
      await page.getByRole('heading', { level: 1, name: 'Terms' }).waitFor();
      expect(await page.title()).toBe('Glossary · Retriever Studio');
      expect(await link.getAttribute('aria-current')).toBe('page');
      expect(new URL(page.url()).hash).toBe('#glossary');
      await page.getByRole('link', { name: 'hard negative' }).click();
      await page.getByText('A passage that only seems relevant.').waitFor();
      await page.reload();
      await page.getByRole('heading', { level: 1, name: 'hard negative' }).waitFor();
      await page.goBack();
      await page.getByRole('heading', { level: 1, name: 'Terms' }).waitFor();
      await page.close();
    } finally {
      await server.close();
    }
  });
});
