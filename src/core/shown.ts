import { printableText } from './other-text.ts';

/** Makes text from files safe for messages: no control or direction characters, and short. */
export function printable(text: string, limit = 80): string {
  return printableText(text.length > limit ? `${text.slice(0, limit)}…` : text);
}

/** {@link printable} in quotation marks. */
export function quoted(text: string): string {
  return `"${printable(text)}"`;
}
