import { InputError } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import type { TextSection } from './types.ts';

/** Characters of one document: a long book has some two million. */
const MAX_DOCUMENT_CHARACTERS = 2 ** 24;

/** Gathers the sections of a document as its headings and lines come. */
export class SectionBuilder {
  readonly sections: TextSection[] = [];
  readonly #file: string;
  readonly #headings: { readonly level: number; readonly text: string }[] = [];
  #page: number | undefined;
  #parts: string[] = [];
  #characters = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Adds a piece of text. Line breaks in it stay. */
  add(text: string): void {
    this.#parts.push(text);
    this.#characters += text.length;
    if (this.#characters <= MAX_DOCUMENT_CHARACTERS) return;
    throw new InputError(`has more than ${formatBytes(MAX_DOCUMENT_CHARACTERS)} of text`, {
      file: this.#file,
      remedy: 'Use several smaller files',
    });
  }

  /** Starts a section below a heading; `level` 1 is the outermost. */
  heading(level: number, text: string): void {
    this.close();
    while ((this.#headings.at(-1)?.level ?? 0) >= level) this.#headings.pop();
    const shown = text.replace(/\s+/g, ' ').trim();
    if (shown !== '') this.#headings.push({ level, text: shown.slice(0, 300) });
  }

  /** Starts a section on a page. */
  page(page: number): void {
    this.close();
    this.#page = page;
  }

  /** Ends the section that is open, if it has any text. */
  close(): void {
    const text = tidyText(this.#parts.join(''));
    this.#parts = [];
    if (text === '') return;
    const headings = this.#headings.map((heading) => heading.text);
    this.sections.push({ headings, text, ...(this.#page !== undefined && { page: this.#page }) });
  }
}

/** Without spaces around line breaks, and with one empty line between paragraphs at most. */
export function tidyText(text: string): string {
  const lines = text.split(/\r\n?|\n/).map((line) => line.replace(/[^\S\n]+/g, ' ').trim());
  const kept: string[] = [];
  for (const line of lines) if (line !== '' || (kept.at(-1) ?? '') !== '') kept.push(line);
  return kept.join('\n').trim();
}
