import { InputError } from '../../core/errors.ts';
import { own } from '../../core/own.ts';
import type { HelpPage } from './links.ts';

/** The files of docs/ as they are, each fetched when it is first read. */
const files = import.meta.glob<string>('../../../docs/*.md', { query: '?raw', import: 'default' });

/** @returns the Markdown of a page */
export async function loadHelp(page: HelpPage): Promise<string> {
  const load = own(files, `../../../docs/${page}.md`);
  if (load === undefined) {
    throw new InputError(`there is no help page "${page}"`, { remedy: 'Choose a page of the contents' });
  }
  return load();
}
