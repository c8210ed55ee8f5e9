import type { HelpPage } from './links.ts';
import { wordsOf, type Section } from './markdown.ts';

/** A section that can be found. */
export interface SearchableSection {
  readonly page: HelpPage;
  readonly pageTitle: string;
  readonly section: Section;
  readonly words: string;
}

export interface FoundSection extends SearchableSection {
  /** The words around the first match. */
  readonly excerpt: string;
}

export function searchable(page: HelpPage, sections: readonly Section[]): readonly SearchableSection[] {
  const pageTitle = sections[0]?.title ?? page;
  return sections.map((section) => ({
    ...{ page, pageTitle, section },
    words: wordsOf(section.blocks).replace(/\s+/g, ' '),
  }));
}

/** The sections that have every word of a query, those with the words in their headings first. */
export function searchSections(all: readonly SearchableSection[], query: string): readonly FoundSection[] {
  const wanted = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (wanted.length === 0) return [];
  const found = all.flatMap((each) => {
    const title = `${each.pageTitle} ${each.section.title}`.toLowerCase();
    const words = each.words.toLowerCase();
    if (!wanted.every((word) => title.includes(word) || words.includes(word))) return [];
    const inHeading = wanted.filter((word) => each.section.title.toLowerCase().includes(word)).length;
    const first = Math.max(0, Math.min(...wanted.map((word) => placeOf(words, word))));
    return [{ found: { ...each, excerpt: excerptAt(each.words, first) }, inHeading }];
  });
  return found.sort((a, b) => b.inHeading - a.inHeading).map((each) => each.found);
}

function placeOf(words: string, word: string): number {
  const at = words.indexOf(word);
  return at === -1 ? words.length : at;
}

/** Letters around a match. */
const before = 50;
const after = 140;

function excerptAt(words: string, at: number): string {
  const from = at <= before ? 0 : words.indexOf(' ', at - before) + 1;
  const rest = words.slice(from, at + after);
  const to = at + after >= words.length ? rest.length : Math.max(rest.lastIndexOf(' '), 0);
  return `${from > 0 ? '… ' : ''}${rest.slice(0, to)}${to < rest.length || from + to < words.length ? ' …' : ''}`;
}
