import { own } from '../../core/own.ts';
import { jsonOf, type Json } from '../../core/json.ts';
import { wrongSettings } from '../../core/setting.ts';
import { promptById } from '../../generation/prompts/index.ts';
import type { Prompt } from '../../generation/prompt.ts';
import { readPrompt } from '../../generation/read-prompt.ts';
import { Faults } from '../../pipeline/faults.ts';
import { generatorKind, type RecipeGenerator } from '../../pipeline/generators/index.ts';
import { omit } from '../../pipeline/omit.ts';
import type { RecipePrompt } from '../../pipeline/recipe-prompts.ts';
import { newGenerator } from '../recipe-choices.ts';
import type { GeneratorAccess, KeptItem } from '../protocol.ts';
import { askedWriting } from '../writing-fragment.ts';
import {
  writingRunId,
  type AskedPassage,
  type Review,
  type Reviews,
  type TriedReply,
  type WritingProgress,
  type WritingSetup,
  type WrittenQuery,
} from '../writing-protocol.ts';
import { problemOf, type Problem } from './problem.ts';
import type { Studio } from './studio.svelte.ts';

/** Three that differ: several questions, what is typed into a search engine, what a person would write. */
const firstPrompts = ['c-questions-several', 'c-msmarco', 'c-user'];
const extractPrompts = ['extract-clauses', 'extract-keywords'];
/** Tokens are estimated by it where a model does not count them. */
const charactersPerToken = 4;

/** What a writing will take. */
export interface WritingEstimate {
  readonly requests: number;
  readonly testPassages: number;
  readonly trainPassages: number;
  readonly tokens: number | undefined;
  readonly seconds: number | undefined;
}

/** Queries for a corpus of texts, on their way: who writes, with which prompts, what came of it, and what of that is used. */
export class WritingDraft {
  readonly corpus: KeptItem;
  generator = $state.raw<RecipeGenerator>({ kind: 'extract' });
  /** A key, a dropped file: for this visit alone. */
  access = $state.raw<GeneratorAccess[string]>({});
  /** As the recipe has them: names, or prompts that were edited. */
  prompts = $state.raw<readonly RecipePrompt[]>(firstPrompts);
  queries = $state(300);
  testQueries = $state(60);
  seed = $state(1);
  passage = $state.raw<AskedPassage | undefined>();
  tried = $state.raw<readonly TriedReply[]>([]);
  /** What a trial waits for. */
  trial = $state<string | undefined>();
  /** A passage is looked for. */
  isDrawing = $state(false);
  progress = $state.raw<WritingProgress | undefined>();
  state = $state<'idle' | 'writing' | 'paused' | 'stopping' | 'using'>('idle');
  written = $state.raw<readonly WrittenQuery[] | undefined>();
  reviews = $state.raw<Reviews>({});
  trialProblem = $state.raw<Problem | undefined>();
  problem = $state.raw<Problem | undefined>();
  #draws = 0;
  #cancel = new AbortController();
  #hasOpened = false;

  constructor(corpus: KeptItem) {
    this.corpus = corpus;
  }

  get isBusy(): boolean {
    return this.state !== 'idle' || this.trial !== undefined || this.isDrawing;
  }

  /** What is asked for now. */
  get setup(): WritingSetup {
    const { generator, queries, testQueries, seed } = this;
    const prompts = generator.kind === 'extract' ? extractPrompts : this.prompts;
    return { generator, prompts, queries, testQueries, seed };
  }

  /** What keeps it from being written, each a sentence with what to do. */
  get missing(): readonly string[] {
    const { generator, queries, testQueries } = this;
    const kind = generatorKind(generator.kind);
    const faults = new Faults();
    kind.check?.(generator, ['generator'], faults);
    const file = kind.droppedFile?.(generator);
    return [
      ...wrongSettings(kind.settings, generator),
      ...faults.lines.map((line) => `${line}.`),
      ...(file === undefined || this.access.file?.name === file ? [] : [`Drop the file ${file} again.`]),
      ...(generator.kind === 'recorded' && (generator.file ?? '') === ''
        ? ['Choose a log of recorded replies, or drop one.']
        : []),
      ...(this.setup.prompts.length === 0 ? ['Choose a prompt.'] : []),
      ...this.setup.prompts.flatMap((prompt) => faultOf(prompt) ?? []),
      ...(Number.isInteger(queries) && queries >= 2 ? [] : ['Queries: use a whole number from 2.']),
      ...(Number.isInteger(testQueries) && testQueries >= 1 && testQueries < queries
        ? []
        : ['Test queries: use a whole number from 1, below the number of queries.']),
    ];
  }

  /** From the speed of the trial. */
  get estimate(): WritingEstimate | undefined {
    if (this.missing.length > 0) return undefined;
    const { requests, testPassages, trainPassages } = askedWriting(this.setup);
    const replies = this.tried.length;
    const tokens = this.tried.reduce((sum, each) => sum + tokensOf(each), 0);
    const timed = this.tried.flatMap(({ seconds }) => (seconds === undefined ? [] : [seconds]));
    const perReply = timed.reduce((sum, seconds) => sum + seconds, 0) / timed.length;
    const parallel = 'parallel' in this.generator ? (this.generator.parallel ?? 4) : 1;
    return {
      ...{ requests, testPassages, trainPassages },
      tokens: replies === 0 ? undefined : Math.round((tokens / replies) * requests),
      seconds: timed.length === 0 ? undefined : (perReply * requests) / parallel,
    };
  }

  chooseKind(kind: string): void {
    if (kind === this.generator.kind) return;
    this.generator = newGenerator(generatorKind(kind));
    this.access = {};
    this.tried = [];
  }

  change(settings: Readonly<Record<string, string | number | undefined>>): void {
    this.generator = { ...this.generator, ...settings };
  }

  /** What was chosen at the last visit, and the reviews. */
  async open(studio: Studio): Promise<void> {
    if (this.#hasOpened) return;
    this.#hasOpened = true;
    try {
      const client = await studio.client();
      const { setup, reviews } = await client.writing('keptWriting', { itemId: this.corpus.id });
      this.reviews = reviews;
      if (setup === null) return;
      const { generator, prompts, queries, testQueries, seed } = setup;
      Object.assign(this, { generator, queries, testQueries, seed });
      if (generator.kind !== 'extract') this.prompts = prompts;
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  async draw(studio: Studio): Promise<void> {
    if (this.isBusy) return;
    this.isDrawing = true;
    this.trialProblem = undefined;
    try {
      const client = await studio.client();
      const ask = { itemId: this.corpus.id, seed: this.#draws++ };
      this.choose(await client.writing('drawPassage', ask));
    } catch (error) {
      this.trialProblem = problemOf(error);
    } finally {
      this.isDrawing = false;
    }
  }

  choose(passage: AskedPassage): void {
    this.passage = passage;
    this.tried = [];
  }

  async try(studio: Studio): Promise<void> {
    if (this.isBusy) return;
    if (this.passage === undefined) await this.draw(studio);
    const { passage, generator, access } = this;
    if (passage === undefined) return;
    this.trial = 'Asking the model';
    this.trialProblem = undefined;
    this.tried = [];
    this.#cancel = new AbortController();
    const { signal } = this.#cancel;
    const { prompts, seed } = this.setup;
    try {
      const client = await studio.client();
      const ask = { passage, generator, prompts, seed, access };
      this.tried = await client.writing('tryPassage', ask, {
        signal,
        onProgress: (told) => {
          if (told.kind === 'loading') this.trial = told.text;
          else this.tried = [...this.tried, told.tried];
        },
      });
    } catch (error) {
      if (!signal.aborted) this.trialProblem = problemOf(error);
    } finally {
      this.trial = undefined;
    }
  }

  async write(studio: Studio): Promise<void> {
    if (this.isBusy || this.missing.length > 0) return;
    this.state = 'writing';
    this.problem = undefined;
    this.progress = undefined;
    this.#cancel = new AbortController();
    const { signal } = this.#cancel;
    try {
      const client = await studio.client();
      const { setup } = this;
      const ask = { itemId: this.corpus.id, setup, access: this.access };
      const outcome = await client.writing('writeQueries', ask, {
        signal,
        onProgress: (progress) => {
          this.progress = { ...progress, sample: progress.sample ?? this.progress?.sample };
        },
      });
      if (outcome.state === 'finished') this.written = outcome.queries;
    } catch (error) {
      this.problem = problemOf(error);
    } finally {
      this.state = 'idle';
      studio.kept = await (await studio.client()).kept();
    }
  }

  async pause(studio: Studio): Promise<void> {
    if (this.state !== 'writing') return;
    await (await studio.client()).pause(writingRunId);
    this.#hold('writing', 'paused');
  }

  async resume(studio: Studio): Promise<void> {
    if (this.state !== 'paused') return;
    await (await studio.client()).resume(writingRunId);
    this.#hold('paused', 'writing');
  }

  /** It may have ended, or have been stopped, while the worker was asked. */
  #hold(from: 'writing' | 'paused', to: 'writing' | 'paused'): void {
    if (this.state === from) this.state = to;
  }

  cancel(): void {
    if (this.state === 'writing' || this.state === 'paused') this.state = 'stopping';
    this.#cancel.abort();
  }

  /** @param review undefined for none */
  async review(id: string, review: Review | undefined, studio: Studio): Promise<void> {
    const others = omit(this.reviews, id);
    this.reviews = review === undefined ? others : { ...others, [id]: review };
    try {
      const client = await studio.client();
      await client.writing('keepWriting', {
        itemId: this.corpus.id,
        changes: { reviews: this.reviews },
      });
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  reviewOf(id: string): Review | undefined {
    return own(this.reviews, id);
  }

  /** @returns the corpus that has them; undefined where it could not be made */
  async use(studio: Studio): Promise<KeptItem | undefined> {
    if (this.isBusy) return undefined;
    this.state = 'using';
    this.problem = undefined;
    try {
      const client = await studio.client();
      const { setup } = this;
      const { item } = await client.writing('useQueries', { itemId: this.corpus.id, setup });
      studio.kept = await client.kept();
      return item;
    } catch (error) {
      this.problem = problemOf(error);
      return undefined;
    } finally {
      this.state = 'idle';
    }
  }
}

/** The prompt behind a choice. @throws InputError */
export function promptOf(prompt: RecipePrompt): Prompt {
  return typeof prompt === 'string' ? promptById(prompt) : readPrompt(prompt);
}

/** What is wrong with a prompt, in a sentence with what to do; undefined where it can be asked. */
export function faultOf(prompt: RecipePrompt): string | undefined {
  try {
    promptOf(prompt);
    return undefined;
  } catch (error) {
    const { text, remedy } = problemOf(error);
    return `Prompt ${nameOf(prompt)}: ${[text, remedy].filter(Boolean).join(' ')}`;
  }
}

/** Of the prompt that it was made from, where it was edited. */
export function baseOf(prompt: RecipePrompt): string {
  return nameOf(prompt).replace(edited, '');
}

function nameOf(prompt: RecipePrompt): string {
  if (typeof prompt === 'string') return prompt;
  return typeof prompt.id === 'string' ? prompt.id : 'without an id';
}

const edited = /-edited$/;

/** The prompt with other words: a prompt of its own, since what it writes is not what the other writes. */
export function editedPrompt(
  prompt: RecipePrompt,
  changes: Readonly<Partial<Record<'system' | 'user', string> & { readonly count: number }>>,
): RecipePrompt {
  const document = typeof prompt === 'string' ? asDocument(promptById(prompt)) : prompt;
  return { ...document, id: `${baseOf(prompt)}-edited`, ...changes };
}

/** An edited prompt as a recipe holds it. */
function asDocument(prompt: Prompt): Readonly<Record<string, Json>> {
  return jsonOf(prompt) as Readonly<Record<string, Json>>;
}

function tokensOf({ sample, promptTokens, completionTokens }: TriedReply): number {
  const asked = sample.messages.reduce((sum, { content }) => sum + content.length, 0);
  return (
    (promptTokens ?? asked / charactersPerToken) +
    (completionTokens ?? sample.text.length / charactersPerToken)
  );
}
