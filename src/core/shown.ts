import { printableText } from './other-text.ts';

/** Text from files as it may stand in a message: without control and direction characters, and short. */
export function printable(text: string, limit = 80): string {
  return printableText(text.length > limit ? `${text.slice(0, limit)}…` : text);
}

/** {@link printable} in quotation marks. */
export function quoted(text: string): string {
  return `"${printable(text)}"`;
}
