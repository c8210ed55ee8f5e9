import type { HelpPage } from './links.ts';

interface ContentsPage {
  readonly page: HelpPage;
  readonly title: string;
  readonly about: string;
}

/** What the help has, in the order in which it is read. */
export const contents: readonly { readonly title: string; readonly pages: readonly ContentsPage[] }[] = [
  {
    title: 'Start here',
    pages: [
      { page: 'page', title: 'The page', about: 'What each screen does, and where data is stored.' },
      { page: 'demo', title: 'Demo results', about: 'The demo with five seeds, and how to interpret it.' },
      { page: 'glossary', title: 'Glossary', about: 'The terms of the screens and the command line.' },
    ],
  },
  {
    title: 'Data',
    pages: [
      { page: 'import', title: 'Import', about: 'File formats, columns, passages and benchmarks.' },
      { page: 'compare-models', title: 'Compare models', about: 'Choose an encoder before training.' },
      {
        page: 'generation',
        title: 'Generation',
        about: 'Queries and passages that a language model writes.',
      },
    ],
  },
  {
    title: 'Training',
    pages: [
      { page: 'losses', title: 'Losses', about: 'Which loss suits which data, with every setting.' },
      { page: 'recipes', title: 'Recipes', about: 'The document that specifies an experiment.' },
      { page: 'static-encoders', title: 'Static encoders', about: 'Small, fast encoders without attention.' },
      {
        page: 'papers-recipes',
        title: 'Recipes of papers',
        about: 'Three papers as recipes that can be run.',
      },
    ],
  },
  {
    title: 'Development',
    pages: [
      { page: 'library', title: 'Library', about: 'The same functions from TypeScript.' },
      { page: 'design', title: 'Design', about: 'The parts of the studio, and why they are as they are.' },
    ],
  },
];

/** The title of a page by the name of its file, `losses.md`; undefined for any other text. */
export function titleOfFile(text: string): string | undefined {
  const name = /^([\w-]+)\.md$/.exec(text)?.[1];
  return contents.flatMap(({ pages }) => pages).find(({ page }) => page === name)?.title;
}
