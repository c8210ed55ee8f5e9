import { contents } from '../help/contents.ts';
import type { HelpPage } from '../help/links.ts';
import { loadHelp } from '../help/load.ts';
import { readSections, type Section } from '../help/markdown.ts';
import { searchable, searchSections, type FoundSection, type SearchableSection } from '../help/search.ts';
import { problemOf, type Problem } from './problem.ts';

/** What is read of the help, and what is searched for in it. */
export class Help {
  query = $state('');
  problem = $state.raw<Problem | undefined>();
  /** Undefined while the pages are read. */
  #all = $state.raw<readonly SearchableSection[] | undefined>();
  #reading = false;
  readonly #pages = new Map<HelpPage, Promise<readonly Section[]>>();
  /** What has the words of the query; undefined while it is not known. */
  readonly found = $derived<readonly FoundSection[] | undefined>(
    this.#all && searchSections(this.#all, this.query),
  );

  /** A page of docs/. @throws if it cannot be fetched */
  page(name: HelpPage): Promise<readonly Section[]> {
    const known = this.#pages.get(name);
    if (known !== undefined) return known;
    const read = loadHelp(name).then(readSections);
    this.#pages.set(name, read);
    // Asked for again, it is fetched again.
    read.catch(() => this.#pages.delete(name));
    return read;
  }

  /** Reads every page, for a search. */
  async readAll(): Promise<void> {
    if (this.#all !== undefined || this.#reading) return;
    this.#reading = true;
    this.problem = undefined;
    try {
      const names = contents.flatMap(({ pages }) => pages.map(({ page }) => page));
      const read = await Promise.all(names.map(async (name) => searchable(name, await this.page(name))));
      this.#all = read.flat();
    } catch (error) {
      this.problem = problemOf(error);
    } finally {
      this.#reading = false;
    }
  }
}
