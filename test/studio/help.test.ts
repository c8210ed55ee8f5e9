import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelOf, settingsOf } from '../../src/core/setting.ts';
import { losses } from '../../src/losses/index.ts';
import { contents } from '../../src/studio/help/contents.ts';
import { findTerm, measureTerm, readGlossary } from '../../src/studio/help/glossary.ts';
import { docsLinks, helpPages, isHelpPage, resolveLink } from '../../src/studio/help/links.ts';
import { anchorsOf, readSections, textOf, type Block } from '../../src/studio/help/markdown.ts';
import { searchable, searchSections } from '../../src/studio/help/search.ts';
import { settingTerm, settingTerms } from '../../src/studio/help/setting-terms.ts';
import { trainingSettingTable } from '../../src/training/setting-table.ts';
import { readSources } from '../architecture/sources.ts';

const root = join(import.meta.dirname, '../..');
const markdownOf = (page: string): string => readFileSync(join(root, `docs/${page}.md`), 'utf8');
const pages = new Map(helpPages.map((page) => [page, readSections(markdownOf(page))] as const));
const glossary = readGlossary(markdownOf('glossary'));

/** Every link of a page. */
function linksIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(linksIn);
  if (typeof value !== 'object' || value === null) return [];
  const own = 'href' in value && typeof value.href === 'string' ? [value.href] : [];
  return [...own, ...Object.values(value).flatMap(linksIn)];
}

/** Whether the help has this page, and in it this section. */
function isThere(page: string, section: string | undefined): boolean {
  if (!isHelpPage(page)) return false;
  return section === undefined || anchorsOf(pages.get(page) ?? []).has(section);
}

/** What a text says of docs/ that is not there. */
function missingMentions(text: string): string[] {
  return [...text.matchAll(/\bdocs\/([\w-]+)\.md(?:#([\w-]+))?/g)]
    .filter(([, page = '', section]) => !isThere(page, section))
    .map(([mention]) => mention);
}

describe('links', () => {
  it('makes a link of each page of docs/ that a sentence names, and of nothing else', () => {
    expect(docsLinks('Fix the recipe; docs/recipes.md describes its members')).toEqual([
      { text: 'Fix the recipe; ' },
      { text: 'docs/recipes.md', address: '#help/recipes' },
      { text: ' describes its members' },
    ]);
    expect(docsLinks('See docs/recipes.md#members.')).toEqual([
      { text: 'See ' },
      { text: 'docs/recipes.md#members', address: '#help/recipes/members' },
      { text: '.' },
    ]);
    // A file of the user's.
    expect(docsLinks('docs/notes.md, line 3: not valid')).toEqual([
      { text: 'docs/notes.md, line 3: not valid' },
    ]);
    expect(docsLinks('')).toEqual([{ text: '' }]);
  });

  it('turns links between pages into links of the help, and leaves out what is not in the page', () => {
    expect(resolveLink('losses.md', 'recipes')).toEqual({ address: '#help/losses', isExternal: false });
    expect(resolveLink('losses.md#push-and-pull', 'recipes')?.address).toBe('#help/losses/push-and-pull');
    expect(resolveLink('#members', 'recipes')?.address).toBe('#help/recipes/members');
    expect(resolveLink('https://example.org/x', 'recipes')?.isExternal).toBe(true);
    for (const href of ['../bench/RESULTS-nano.md', 'recipe.schema.json', 'javascript:alert(1)', '']) {
      expect(resolveLink(href, 'recipes')).toBeUndefined();
    }
  });

  it('every page of docs/ is a page of the help, in the contents once', () => {
    const files = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
    expect([...helpPages].sort()).toEqual(files.map((file) => file.slice(0, -3)).sort());
    const listed = contents.flatMap((group) => group.pages.map(({ page }) => page));
    expect([...listed].sort()).toEqual([...helpPages].sort());
  });

  it('every link within docs/ leads to a section that exists', () => {
    const dead = [...pages].flatMap(([page, sections]) =>
      linksIn(sections).flatMap((href) => {
        const [, name = '', section] =
          /^#help\/([\w-]+)(?:\/(.+))?$/.exec(resolveLink(href, page)?.address ?? '') ?? [];
        return name === '' || isThere(name, section) ? [] : [`docs/${page}.md: ${href}`];
      }),
    );
    expect(dead).toEqual([]);
  });

  it('every mention of docs/ in what the studio says leads to a section that exists', () => {
    const recipes = readdirSync(join(root, 'recipes'))
      .filter((file) => file.endsWith('.json'))
      .map((file) => join('recipes', file));
    const texts = [
      ...readSources(),
      ...recipes.map((file) => [file, readFileSync(join(root, file), 'utf8')] as const),
    ];
    expect(texts.filter(([, text]) => text.includes('docs/')).length).toBeGreaterThan(5);
    expect(texts.flatMap(([file, text]) => missingMentions(text).map((each) => `${file}: ${each}`))).toEqual(
      [],
    );
    expect(missingMentions('docs/recipes.md, docs/gone.md and docs/recipes.md#gone')).toEqual([
      'docs/gone.md',
      'docs/recipes.md#gone',
    ]);
    const addresses = [...readSources()].flatMap(([file, text]) =>
      [...text.matchAll(/helpAddress\('([\w-]+)'(?:, '([\w-]+)')?\)/g)].map(
        ([, page = '', section]) => [file, page, section] as const,
      ),
    );
    expect(addresses.length).toBeGreaterThan(0);
    expect(addresses.filter(([, page, section]) => !isThere(page, section))).toEqual([]);
  });
});

describe('Markdown', () => {
  it('reads headings, lists, tables and code, with the anchors that GitHub gives', () => {
    const [first, second, third] = readSections(
      '# A page\n\nText with `code`, **bold**, *slant* and [a link](losses.md).\n\n' +
        '## Read the report (v2)\n\n- **term (other)**: meaning\n- plain\n\n3. three\n\n' +
        '| a | b |\n| - | -: |\n| `x` | &lt;0.1 |\n\n```ts\nconst x = 1 < 2;\n```\n\n> quoted\n\n## Read the report (v2)\n',
    );
    expect([first?.slug, second?.slug, third?.slug]).toEqual([
      'a-page',
      'read-the-report-v2',
      'read-the-report-v2-1',
    ]);
    expect(first?.blocks).toEqual([
      {
        kind: 'paragraph',
        children: [
          { kind: 'text', text: 'Text with ' },
          { kind: 'code', text: 'code' },
          { kind: 'text', text: ', ' },
          { kind: 'strong', children: [{ kind: 'text', text: 'bold' }] },
          { kind: 'text', text: ', ' },
          { kind: 'em', children: [{ kind: 'text', text: 'slant' }] },
          { kind: 'text', text: ' and ' },
          { kind: 'link', href: 'losses.md', children: [{ kind: 'text', text: 'a link' }] },
          { kind: 'text', text: '.' },
        ],
      },
    ]);
    const [bullets, numbers, table, code, quote] = second?.blocks ?? [];
    expect(bullets).toMatchObject({
      kind: 'list',
      start: undefined,
      items: [{ term: 'term-other' }, { term: undefined }],
    });
    expect(numbers).toMatchObject({ kind: 'list', start: 3 });
    expect(table).toMatchObject({
      kind: 'table',
      rows: [[{ isNumber: false }, { isNumber: true, children: [{ kind: 'text', text: '<0.1' }] }]],
    });
    expect(code).toEqual({ kind: 'code', text: 'const x = 1 < 2;' });
    expect(quote).toMatchObject({ kind: 'quote' });
  });

  it('shows HTML as the text that it is', () => {
    const [section] = readSections('# T\n\n<img src=x onerror=alert(1)>\n\nand <b>this</b>\n');
    const texts = (section?.blocks ?? []).map((block: Block) =>
      block.kind === 'paragraph' ? textOf(block.children) : block.kind,
    );
    expect(texts).toEqual(['<img src=x onerror=alert(1)>', 'and <b>this</b>']);
  });

  it('every page has one title, and no words are lost', () => {
    for (const [page, sections] of pages) {
      expect([page, sections.filter(({ level }) => level === 1).length]).toEqual([page, 1]);
      const words = searchable(page, sections)
        .map((each) => `${each.section.title} ${each.words}`)
        .join(' ');
      // Without marks, links and pictures, which have words of their own.
      const counted = (text: string): number => (text.match(/[a-z]{4,}/gi) ?? []).length;
      const source = markdownOf(page)
        .replace(/```\w*\n/g, '')
        .replace(/!\[.*?\]\(.*?\)/g, '')
        .replace(/\]\([^)]*\)/g, ']')
        .replace(/&[a-z]+;/g, '');
      expect([page, counted(words)]).toEqual([page, counted(source)]);
    }
  });
});

describe('the search', () => {
  const all = [...pages].flatMap(([page, sections]) => searchable(page, sections));

  it('finds sections by all words of a query, those with the words in their headings first', () => {
    const found = searchSections(all, 'Dev train queries');
    expect(found[0]?.section.title).toBe('Dev from train queries');
    expect(found[0]?.page).toBe('recipes');
    for (const { words, pageTitle, section } of found) {
      const text = `${pageTitle} ${section.title} ${words}`.toLowerCase();
      expect(['dev', 'train', 'queries'].every((word) => text.includes(word))).toBe(true);
    }
    expect(searchSections(all, 'wasserstein')[0]?.excerpt.toLowerCase()).toContain('wasserstein');
  });

  it('finds nothing for nothing, and for words that no section has', () => {
    expect(searchSections(all, '  ')).toEqual([]);
    expect(searchSections(all, 'xylophone')).toEqual([]);
  });
});

describe('terms', () => {
  it('are found by either name, whatever the case and the cutoff', () => {
    expect(findTerm(glossary, 'qrels')?.name).toBe('judgments (qrels)');
    expect(findTerm(glossary, 'NDCG@5')?.name).toBe('nDCG@10');
    expect(findTerm(glossary, 'no such term')).toBeUndefined();
    expect(measureTerm('Recall@100')).toBe('Recall@100');
    expect(measureTerm('num_ret')).toBeUndefined();
  });

  it('the glossary is in order, a sentence for each', () => {
    const names = glossary.map(({ name }) => name.toLowerCase());
    expect(names).toEqual([...names].sort());
    expect(glossary.filter(({ definition }) => !/^[A-Z\d].*\.$/.test(definition))).toEqual([]);
    const listed = anchorsOf(pages.get('glossary') ?? []);
    expect(glossary.filter(({ slug }) => !listed.has(slug))).toEqual([]);
  });

  it('every term with a “?” has an entry', () => {
    const components = [...readSources()].filter(([file]) => file.endsWith('.svelte'));
    const used = components.flatMap(([file, text]) =>
      [...text.matchAll(/(?:<Term\s+name|\bterm)="([^"{]+)"/g)].map(([, term = '']) => [file, term] as const),
    );
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter(([, term]) => findTerm(glossary, term) === undefined)).toEqual([]);
    const others = [...Object.values(settingTerms), ...['nDCG', 'Recall', 'MAP', 'MRR', 'Success']];
    expect(others.filter((term) => findTerm(glossary, term) === undefined)).toEqual([]);
  });

  it('settings that have a term are settings', () => {
    const names = new Set([
      ...settingsOf(trainingSettingTable).map(({ path }) => path.at(-1)),
      ...losses.flatMap(({ settings }) => Object.keys(settings)),
      ...['loss', 'scope', 'seed', 'teacher', 'pooling', 'steps'],
    ]);
    expect(Object.keys(settingTerms).filter((name) => !names.has(name))).toEqual([]);
    const [shown] = settingsOf(trainingSettingTable).filter(({ path }) => path.at(-1) === 'learningRate');
    expect(shown && labelOf(shown.setting)).toBe('Learning rate');
    expect([settingTerm('learningRate'), settingTerm('Learning rate')]).toEqual([
      'learning rate',
      'learning rate',
    ]);
    expect([settingTerm('Seed'), settingTerm('Anything else'), settingTerm(undefined)]).toEqual([
      'seed',
      undefined,
      undefined,
    ]);
  });
});
