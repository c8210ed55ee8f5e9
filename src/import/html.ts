import { Parser } from 'htmlparser2';
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';
import { formatBytes } from '../core/format-bytes.ts';
import type { ByteSource } from '../core/source.ts';
import { SectionBuilder } from './sections.ts';
import type { TextSection } from './types.ts';

const MAX_HTML_BYTES = 2 ** 26;
/** Browsers stop at 512; beyond that the time to close tags grows with the square. */
const MAX_DEPTH = 2048;

/** What is not the text of a page. */
const LEFT_OUT = new Set(
  (
    'script style noscript template nav footer aside form svg math iframe object button select textarea dialog ' +
    'audio video canvas map'
  ).split(' '),
);
const BLOCKS = new Set(
  (
    'address article blockquote dd details div dl dt fieldset figcaption figure header hr li main ol p pre section ' +
    'summary table tbody td th thead tr ul h1 h2 h3 h4 h5 h6 body'
  ).split(' '),
);
/** A page's main part counts as its text from this share of all. */
const MAIN_SHARE = 0.2;

export interface PageText {
  readonly title: string;
  readonly sections: readonly TextSection[];
}

/**
 * The text of a web page: of its main part if it marks one, without navigation, scripts, styles and forms. Headings
 * start sections.
 * @throws InputError if it is too large or nested too deeply
 */
export async function readHtml(source: ByteSource): Promise<PageText> {
  if (source.size > MAX_HTML_BYTES) {
    throw new InputError(
      `has ${formatBytes(source.size)}, but the limit of a page is ${formatBytes(MAX_HTML_BYTES)}`,
      {
        file: source.name,
        remedy: 'Use several smaller files',
      },
    );
  }
  const page = new PageReader(source.name);
  const parser = new Parser(page, { decodeEntities: true });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of source.stream()) parser.write(decoder.decode(chunk, { stream: true }));
    parser.end(decoder.decode());
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new InputError('is not valid UTF-8', {
      file: source.name,
      remedy: 'Save the file as UTF-8',
      cause,
    });
  }
  return page.result();
}

class PageReader {
  readonly #file: string;
  readonly #all: SectionBuilder;
  readonly #main: SectionBuilder;
  #title = '';
  #firstHeading = '';
  #depth = 0;
  /** The depth at which what is left out began. */
  #leftOutAt: number | undefined;
  /** The depth at which the main part began. */
  #mainAt: number | undefined;
  #titleAt: number | undefined;
  #heading: { readonly level: number; text: string } | undefined;

  constructor(file: string) {
    this.#file = file;
    this.#all = new SectionBuilder(file);
    this.#main = new SectionBuilder(file);
  }

  onopentag(name: string, attributes: Readonly<Record<string, string>>): void {
    if (++this.#depth > MAX_DEPTH) {
      throw new InputError(`is nested deeper than ${MAX_DEPTH} tags`, {
        file: this.#file,
        remedy: 'Use a well-formed page, or its text',
      });
    }
    const isAttribute = (key: string, value: string): boolean => own(attributes, key) === value;
    const isHidden = Object.hasOwn(attributes, 'hidden') || isAttribute('aria-hidden', 'true');
    const isMenu = isAttribute('role', 'navigation') || isAttribute('role', 'search');
    if (LEFT_OUT.has(name) || isHidden || isMenu) this.#leftOutAt ??= this.#depth;
    if (name === 'main' || name === 'article' || isAttribute('role', 'main')) this.#mainAt ??= this.#depth;
    // The titles of pictures are none of the page.
    if (name === 'title' && this.#leftOutAt === undefined && this.#title === '')
      this.#titleAt ??= this.#depth;
    if (this.#leftOutAt !== undefined) return;
    const level = /^h([1-6])$/.exec(name)?.[1];
    if (level !== undefined) this.#heading ??= { level: Number(level), text: '' };
    else if (name === 'br') this.#add('\n');
    else if (BLOCKS.has(name)) this.#add(name === 'p' || name === 'li' ? '\n\n' : '\n');
  }

  ontext(text: string): void {
    if (this.#titleAt !== undefined) this.#title = (this.#title + text).slice(0, 1000);
    else if (this.#leftOutAt === undefined) this.#add(text.replace(/\s+/g, ' '));
  }

  onclosetag(name: string): void {
    const depth = this.#depth--;
    if (this.#titleAt === depth) this.#titleAt = undefined;
    if (this.#leftOutAt === undefined) {
      if (/^h[1-6]$/.test(name) && this.#heading !== undefined) this.#endHeading(this.#heading);
      else if (BLOCKS.has(name)) this.#add('\n');
    }
    if (this.#leftOutAt === depth) this.#leftOutAt = undefined;
    if (this.#mainAt === depth) this.#mainAt = undefined;
  }

  result(): PageText {
    if (this.#heading !== undefined) this.#endHeading(this.#heading);
    this.#all.close();
    this.#main.close();
    const length = (builder: SectionBuilder): number =>
      builder.sections.reduce((sum, { text }) => sum + text.length, 0);
    const isMain = length(this.#main) >= MAIN_SHARE * length(this.#all) && length(this.#main) > 0;
    const title = this.#title.replace(/\s+/g, ' ').trim();
    return {
      title: title === '' ? this.#firstHeading : title,
      sections: (isMain ? this.#main : this.#all).sections,
    };
  }

  #add(text: string): void {
    if (this.#heading !== undefined) {
      this.#heading.text = (this.#heading.text + text).slice(0, 1000);
      return;
    }
    this.#all.add(text);
    if (this.#mainAt !== undefined) this.#main.add(text);
  }

  #endHeading({ level, text }: { readonly level: number; readonly text: string }): void {
    this.#heading = undefined;
    const shown = text.replace(/\s+/g, ' ').trim();
    if (this.#firstHeading === '') this.#firstHeading = shown;
    this.#all.heading(level, text);
    if (this.#mainAt !== undefined) this.#main.heading(level, text);
  }
}
