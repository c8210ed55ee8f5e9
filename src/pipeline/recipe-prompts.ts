import { readRange } from '../core/source.ts';
import { withChosen, type PromptChoices, type Prompt } from '../generation/prompt.ts';
import { promptById } from '../generation/prompts/index.ts';
import { parsePrompt, readPrompt } from '../generation/read-prompt.ts';
import { asksAboutPassages } from '../generation/subject.ts';
import { InputError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import type { RecipeFiles } from './recipe-corpus.ts';

/** What is asked about. */
export type AskedAbout =
  { readonly passages: object } | { readonly train: object } | { readonly source: string };

/** A prompt that comes with the studio, a file, or the prompt itself. */
export type RecipePrompt = string | Readonly<Record<string, Json>>;

/** Which prompts are asked of what. */
export interface WhatToAsk extends PromptChoices {
  readonly prompts: readonly RecipePrompt[];
  readonly of: AskedAbout;
}

/** Whether a recipe means a file of its own, not a prompt that comes with the studio. */
export function isPromptFile(prompt: string): boolean {
  return /[/\\]|\.json$/i.test(prompt);
}

/** @throws InputError where a prompt does not write about what it is to be asked about */
export function checkSubject(prompt: Pick<Prompt, 'id' | 'writes'>, of: AskedAbout): void {
  const aboutPassages = asksAboutPassages(prompt);
  if (aboutPassages === 'passages' in of) return;
  throw new InputError(
    aboutPassages
      ? `${prompt.id} writes queries for passages`
      : `${prompt.id} asks about queries with their passages`,
    {
      remedy: aboutPassages
        ? 'Set "of" to {"passages": {…}}'
        : 'Set "of" to {"train": {…}} or {"source": "NAME"}',
    },
  );
}

/** The prompts of a source, as they are asked. @throws InputError naming the file */
export async function openPrompts(
  { prompts, of, ...chosen }: WhatToAsk,
  openFile: (path: string) => Promise<Prompt>,
): Promise<readonly Prompt[]> {
  const opened: Prompt[] = [];
  for (const each of prompts) {
    const isFile = typeof each === 'string' && isPromptFile(each);
    const prompt = isFile ? await openFile(each) : knownPrompt(each);
    checkSubject(prompt, of);
    opened.push(withChosen(prompt, chosen));
  }
  return opened;
}

/** A prompt that needs no file to be opened. @throws InputError naming what is wrong with it */
export function knownPrompt(prompt: RecipePrompt): Prompt {
  return typeof prompt === 'string' ? promptById(prompt) : readPrompt(prompt);
}

/** A prompt that comes with the studio, or that of a file. @throws InputError naming it */
export async function promptNamed(name: string, files: RecipeFiles): Promise<Prompt> {
  return isPromptFile(name) ? openPrompt(name, files) : promptById(name);
}

/** The prompt of a file. @throws InputError naming it */
export async function openPrompt(path: string, files: RecipeFiles): Promise<Prompt> {
  const file = await files.openFile(path);
  return parsePrompt(new TextDecoder().decode(await readRange(file, 0, file.size)), path);
}
