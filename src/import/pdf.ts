import type * as pdfjs from 'pdfjs-dist/legacy/build/pdf.mjs';
import { InputError, messageOf } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { own } from '../core/own.ts';
import { printable } from '../core/shown.ts';
import { readRange, type ByteSource } from '../core/source.ts';
import { untilAborted, yielding } from '../core/waiting.ts';
import type { PageText } from './html.ts';
import { SectionBuilder } from './sections.ts';

/** The library holds all of a file. */
const MAX_PDF_BYTES = 2 ** 28;
const MAX_PAGES = 20_000;
/** Glyphs of a page that are looked at. */
const MAX_ITEMS = 200_000;

type Library = typeof pdfjs;

/**
 * The text of a PDF, a section for each page, as pdf.js finds it.
 * @param mostPages that are read
 * @throws InputError if it is encrypted, damaged, too large or has no text
 */
export async function readPdf(
  source: ByteSource,
  {
    signal,
    mostPages = MAX_PAGES,
  }: { readonly signal?: AbortSignal | undefined; readonly mostPages?: number } = {},
): Promise<PageText> {
  if (source.size > MAX_PDF_BYTES) {
    throw new InputError(`has ${formatBytes(source.size)}, but the limit is ${formatBytes(MAX_PDF_BYTES)}`, {
      file: source.name,
      remedy: 'Use a smaller file: split it, or save it without images',
    });
  }
  const library = await loadLibrary();
  const data = await readRange(source, 0, source.size);
  const builder = new SectionBuilder(source.name);
  const task = library.getDocument({
    ...{ data, disableFontFace: true, useSystemFonts: false, useWorkerFetch: false, useWasm: false },
    ...{ isEvalSupported: false, isOffscreenCanvasSupported: false, isImageDecoderSupported: false },
    ...{
      stopAtErrors: false,
      enableXfa: false,
      verbosity: library.VerbosityLevel.ERRORS,
      fontExtraProperties: false,
    },
  });
  try {
    const read = readPages(source.name, task, builder, mostPages, yielding(signal));
    return await (signal === undefined ? read : untilAborted(read, signal));
  } catch (error) {
    if (error instanceof InputError) throw error;
    signal?.throwIfAborted();
    throw explained(source.name, error);
  } finally {
    // What it still does ends by itself; its outcome is known.
    void task.destroy().catch(() => undefined);
  }
}

async function readPages(
  file: string,
  task: ReturnType<Library['getDocument']>,
  builder: SectionBuilder,
  mostPages: number,
  turn: () => Promise<void> | undefined,
): Promise<PageText> {
  const document = await task.promise;
  if (document.numPages > MAX_PAGES) {
    throw new InputError(`has ${document.numPages} pages, but the limit is ${MAX_PAGES}`, {
      file,
      remedy: 'Use several smaller files',
    });
  }
  const { info } = await document.getMetadata();
  const title = own(info as Record<string, unknown>, 'Title');
  for (let number = 1; number <= Math.min(document.numPages, mostPages); number++) {
    await turn();
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    builder.page(number);
    builder.add(pageText(items.slice(0, MAX_ITEMS)));
    page.cleanup();
  }
  builder.close();
  if (builder.sections.length === 0) {
    throw new InputError('has no text: its pages may be pictures of a scanner', {
      file,
      remedy: 'Use a PDF with a text layer (OCR), or leave it out',
    });
  }
  return { title: typeof title === 'string' ? title.trim().slice(0, 300) : '', sections: builder.sections };
}

interface TextItem {
  readonly str: string;
  readonly hasEOL: boolean;
  readonly height: number;
  readonly transform: readonly unknown[];
}

/** Lines joined where a word is hyphenated, and an empty line where the gap to the next is large. */
function pageText(items: readonly object[]): string {
  let text = '';
  let lastY: number | undefined;
  for (const item of items) {
    if (!('str' in item)) continue;
    const { str, hasEOL, height, transform } = item as TextItem;
    const y = Number(transform[5]);
    if (str.trim() !== '') {
      const gap = lastY === undefined ? 0 : Math.abs(lastY - y);
      if (text.endsWith('\n') && height > 0 && gap > 1.8 * height) text += '\n';
      if (/\p{Ll}-\n$/u.test(text.slice(-4)) && /^\p{Ll}/u.test(str)) text = text.slice(0, -2);
      lastY = y;
    }
    text += str;
    if (hasEOL) text += '\n';
  }
  return text;
}

function explained(file: string, error: unknown): InputError {
  const name = error instanceof Error ? error.name : '';
  if (name === 'PasswordException') {
    return new InputError('is encrypted', { file, remedy: 'Use a copy without a password', cause: error });
  }
  return new InputError(`cannot be read as a PDF (${printable(messageOf(error), 160)})`, {
    file,
    remedy: 'Use a complete file: download or export it again',
    cause: error,
  });
}

class StandIn {
  readonly isStandIn = true;
}

let library: Promise<Library> | undefined;

/**
 * Loads pdf.js on first use. It runs in this thread: a caller that must stay responsive is a worker. In Node it expects
 * classes for drawing, of which reading text needs none.
 */
function loadLibrary(): Promise<Library> {
  library ??= (async () => {
    const scope = globalThis as unknown as Record<string, unknown>;
    const missing = ['DOMMatrix', 'ImageData', 'Path2D'].filter((name) => !Object.hasOwn(scope, name));
    for (const name of missing) scope[name] = StandIn;
    try {
      // Finds its worker half under this name, instead of loading it from an address.
      // @ts-expect-error -- the package has no types for this half of it
      scope.pdfjsWorker = await import('pdfjs-dist/legacy/build/pdf.worker.mjs');
      return await import('pdfjs-dist/legacy/build/pdf.mjs');
    } finally {
      for (const name of missing) Reflect.deleteProperty(scope, name);
    }
  })();
  return library;
}
