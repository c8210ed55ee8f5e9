import { lossByName } from '../../losses/index.ts';
import { builtInModels } from '../../host/built-in-models.ts';
import {
  defaultChoices,
  isHubId,
  learningRateFor,
  longTraining,
  missingFor,
  ownRecipe,
  ownRunId,
  type ListsChoice,
  type OwnChoices,
} from '../own-recipe.ts';
import type { KeptItem, KeptRun } from '../protocol.ts';
import type { KeptChoices } from './kept-choices.ts';
import type { RunView } from './run-view.svelte.ts';
import type { Studio } from './studio.svelte.ts';

/** The choices on the screen "Own data", as they are made. */
export class OwnData {
  corpus = $state.raw<KeptItem | undefined>();
  lists = $state.raw<ListsChoice>(defaultChoices.lists);
  teacher = $state(defaultChoices.teacher);
  scope = $state(defaultChoices.scope);
  lossSettings = $state.raw<Readonly<Record<string, number>>>(defaultChoices.lossSettings);
  compare = $state(defaultChoices.compare);
  testSplit = $state(defaultChoices.testSplit);
  training = $state.raw(defaultChoices.training);
  encoding = $state.raw(defaultChoices.encoding);
  seed = $state(defaultChoices.seed);
  #encoder = $state(defaultChoices.encoder);
  #loss = $state(defaultChoices.loss);
  readonly definition = $derived(lossByName(this.#loss));
  readonly missing = $derived(missingFor(this.choices));
  /** The training that was asked for last, while it is estimated and while it waits for the user's word. */
  #asked = $state.raw<RunView | undefined>();

  get encoder(): string {
    return this.#encoder;
  }

  /** Another encoder begins with its own learning rate, unless the user has chosen one. */
  set encoder(name: string) {
    if (this.training.learningRate === learningRateFor(this.#encoder)) {
      this.training = { ...this.training, learningRate: learningRateFor(name) };
    }
    this.#encoder = name;
  }

  get loss(): string {
    return this.#loss;
  }

  /** Another loss begins with its own defaults. */
  set loss(name: string) {
    const definition = lossByName(name);
    this.#loss = definition.name;
    this.scope = definition.scopes[0] ?? 'own';
    this.lossSettings = {};
  }

  get choices(): OwnChoices {
    return {
      corpus: this.corpus,
      encoder: this.encoder.trim(),
      lists: this.lists,
      teacher: this.teacher.trim(),
      loss: this.#loss,
      scope: this.scope,
      lossSettings: this.lossSettings,
      compare: this.compare,
      testSplit: this.testSplit,
      training: this.training,
      encoding: this.encoding,
      seed: this.seed,
    };
  }

  /** Takes a kept item for what it can be. */
  use(item: KeptItem): void {
    switch (item.kind) {
      case 'corpus':
        this.corpus = item;
        this.lists = { kind: 'mined' };
        this.testSplit = item.splits.includes('test') ? 'test' : (item.splits.at(-1) ?? 'test');
        break;
      case 'model':
        this.encoder = item.id;
        break;
      case 'lists':
        this.lists = { kind: 'kept-file', id: item.id };
        break;
      case 'generations':
      case 'language-model':
        // The screen of recipes uses them.
        break;
    }
  }

  /**
   * Takes choices that were made before.
   * @param kept what the browser still keeps: a deleted encoder or file of lists is chosen no more
   */
  restore(choices: KeptChoices, kept: readonly KeptItem[]): void {
    const isKept = (id: string): boolean => kept.some((item) => item.id === id);
    const isThere = (model: string): boolean => isBuiltIn(model) || isHubId(model) || isKept(model);
    const { loss, encoder, scope, lists, teacher } = choices;
    // These two set others, which are restored after them.
    if (loss !== undefined) this.loss = loss;
    if (encoder !== undefined && isThere(encoder)) this.encoder = encoder;
    if (scope !== undefined && this.definition.scopes.some((each) => each === scope)) this.scope = scope;
    if (lists !== undefined && (lists.kind !== 'kept-file' || isKept(lists.id))) this.lists = lists;
    if (teacher !== undefined && (teacher === 'lists' || isThere(teacher))) this.teacher = teacher;
    this.lossSettings = choices.lossSettings ?? this.lossSettings;
    this.compare = choices.compare ?? this.compare;
    if (this.corpus?.splits.includes(choices.testSplit ?? '')) {
      this.testSplit = choices.testSplit ?? this.testSplit;
    }
    this.training = choices.training ?? this.training;
    this.encoding = choices.encoding ?? this.encoding;
    this.seed = choices.seed ?? this.seed;
  }

  /** The item is kept no more. */
  forget(item: KeptItem): void {
    if (this.corpus?.id === item.id) this.corpus = undefined;
    if (this.encoder === item.id) this.encoder = defaultChoices.encoder;
    if (this.teacher === item.id) this.teacher = defaultChoices.teacher;
    if (this.lists.kind === 'kept-file' && this.lists.id === item.id) this.lists = defaultChoices.lists;
  }

  setLossSetting(name: string, value: number): void {
    this.lossSettings = { ...this.lossSettings, [name]: value };
  }

  /** The training that was asked for and has not begun, while the choices are still those. */
  get asked(): RunView | undefined {
    return this.#asked?.state === 'idle' && same(this.#asked.recipe, this.#recipe) ? this.#asked : undefined;
  }

  /**
   * Asks for the training of these choices, and estimates it.
   * @returns the training, where nothing speaks against beginning it at once; `asked` has the others
   */
  async ask(studio: Studio): Promise<RunView | undefined> {
    const recipe = this.#recipe;
    if (this.corpus === undefined || recipe === undefined || this.missing.length > 0) return undefined;
    const run = studio.view(ownRunId(this.corpus, new Date()), recipe);
    this.#asked = run;
    await run.plan();
    const seconds = run.opened?.plan.seconds ?? Infinity;
    return this.asked === run && run.problem === undefined && seconds <= longTraining ? run : undefined;
  }

  /** The user wants other choices first. */
  withdraw(): void {
    this.#asked = undefined;
  }

  get #recipe(): KeptRun['recipe'] | undefined {
    const { corpus } = this;
    return corpus === undefined || this.missing.length > 0
      ? undefined
      : ownRecipe({ ...this.choices, corpus });
  }
}

function isBuiltIn(model: string): boolean {
  return builtInModels.some(({ name }) => name === model);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
