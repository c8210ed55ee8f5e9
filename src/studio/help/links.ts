/** Addresses of the help inside the page. The first load has this file: it holds names, and no page. */

/** The pages of the help; each is a file of docs/. */
export const helpPages = [
  'page',
  'demo',
  'import',
  'compare-models',
  'generation',
  'losses',
  'recipes',
  'static-encoders',
  'papers-recipes',
  'glossary',
  'library',
  'design',
] as const;

export type HelpPage = (typeof helpPages)[number];

export function isHelpPage(name: string | undefined): name is HelpPage {
  return helpPages.some((page) => page === name);
}

/** `#help/recipes/members` */
export function helpAddress(page: HelpPage, section?: string): string {
  return section === undefined ? `#help/${page}` : `#help/${page}/${section}`;
}

/** Part of a sentence; with an address where it names a page of docs/. */
export interface TextPart {
  readonly text: string;
  readonly address?: string;
}

/** A sentence, with what it names of docs/ (`docs/recipes.md`, `docs/recipes.md#members`) apart. */
export function docsLinks(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(/\bdocs\/([\w-]+)\.md(?:#([\w-]+))?/g)) {
    const [mention, page, section] = match;
    // What is not one of the pages may be a file of the user's.
    if (!isHelpPage(page)) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index) });
    parts.push({ text: mention, address: helpAddress(page, section) });
    end = match.index + mention.length;
  }
  if (end < text.length || parts.length === 0) parts.push({ text: text.slice(end) });
  return parts;
}

/** Where a link in a page of docs/ leads inside the help, or outside; undefined where the page has nothing there. */
export function resolveLink(
  href: string,
  page: HelpPage,
): { readonly address: string; readonly isExternal: boolean } | undefined {
  if (/^https?:\/\//.test(href)) return { address: href, isExternal: true };
  const [, name = '', section] = /^(?:([\w-]+)\.md)?(?:#([\w-]+))?$/.exec(href) ?? [];
  const target = name === '' && section !== undefined ? page : name;
  return isHelpPage(target) ? { address: helpAddress(target, section), isExternal: false } : undefined;
}
