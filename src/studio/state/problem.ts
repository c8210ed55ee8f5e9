import { capitalized } from '../../core/capitalized.ts';
import { InputError, messageOf } from '../../core/errors.ts';

/** Something that went wrong, for people. */
export interface Problem {
  readonly text: string;
  /** What can be done about it, as a sentence. */
  readonly remedy: string | undefined;
}

export function problemOf(error: unknown): Problem {
  if (!(error instanceof InputError)) return { text: sentence(messageOf(error)), remedy: undefined };
  const place = error.file === undefined ? '' : `${error.file}${error.line ? `, line ${error.line}` : ''}: `;
  return { text: sentence(`${place}${error.problem}`), remedy: sentence(error.remedy) };
}

/** With a capital and a full stop, unless it begins with a file's name. */
function sentence(text: string): string {
  const capital = /^[a-z]+[ ,]/.test(text) ? capitalized(text) : text;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
