import { expect, it } from 'vitest';
import { readSources } from '../architecture/sources.ts';

/** Links name screens by text: the list imports the screens, which can therefore not import the list. */
it('every link of the page leads to a screen', () => {
  const sources = [...readSources()].filter(([file]) => file.startsWith('src/studio/'));
  const named = (pattern: RegExp): Set<string> =>
    new Set(sources.flatMap(([, text]) => [...text.matchAll(pattern)].map(([, name]) => name ?? '')));
  const screens = named(/\{ name: '([\w-]+)', title: /g);
  const links = named(/(?:Route\.to|route\.go)\('([^']*)'/g);
  expect(links.size).toBeGreaterThan(2);
  expect([...links].filter((name) => !screens.has(name))).toEqual([]);
});
