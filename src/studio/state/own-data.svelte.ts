import { lossByName } from '../../losses/index.ts';
import { builtInModels } from '../../host/built-in-models.ts';
import {
  defaultChoices,
  isHubId,
  learningRateFor,
  missingFor,
  ownRecipe,
  ownRunId,
  type ListsChoice,
  type OwnChoices,
} from '../own-recipe.ts';
import { proposeTraining, type Proposal } from '../../pipeline/proposal.ts';
import type { KeptItem, KeptRun } from '../protocol.ts';
import type { KeptChoices } from './kept-choices.ts';
import type { RunView } from './run-view.svelte.ts';
import type { Studio } from './studio.svelte.ts';
import { TrainingPlan } from './training-plan.svelte.ts';

/** The choices on the screen "Own data", as they are made. */
export class OwnData {
  corpus = $state.raw<KeptItem | undefined>();
  lists = $state.raw<ListsChoice>(defaultChoices.lists);
  teacher = $state(defaultChoices.teacher);
  scope = $state(defaultChoices.scope);
  lossSettings = $state.raw<Readonly<Record<string, number>>>(defaultChoices.lossSettings);
  beside = $state.raw(defaultChoices.beside);
  rates = $state.raw(defaultChoices.rates);
  testSplit = $state(defaultChoices.testSplit);
  training = $state.raw(defaultChoices.training);
  encoding = $state.raw(defaultChoices.encoding);
  seed = $state(defaultChoices.seed);
  seedCount = $state(defaultChoices.seedCount);
  budget = $state.raw(defaultChoices.budget);
  /** What was found of the data, and what follows from it; undefined until both are known. */
  proposal = $state.raw<Proposal | undefined>();
  readonly plan = new TrainingPlan();
  #encoder = $state(defaultChoices.encoder);
  #loss = $state(defaultChoices.loss);
  readonly definition = $derived(lossByName(this.#loss));
  readonly missing = $derived(missingFor(this.choices));
  /** The question about the data that was asked last. */
  #looked = '';

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
      beside: this.beside,
      rates: this.rates,
      testSplit: this.testSplit,
      training: this.training,
      encoding: this.encoding,
      seed: this.seed,
      seedCount: this.seedCount,
      budget: this.budget,
    };
  }

  /** Takes a kept item for what it can be. */
  use(item: KeptItem): void {
    switch (item.kind) {
      case 'corpus':
        this.corpus = item;
        this.lists = listsOf(item);
        this.testSplit = item.splits.includes('test') ? 'test' : (item.splits.at(-1) ?? '');
        this.proposal = undefined;
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
    this.beside = choices.beside ?? this.beside;
    this.rates = choices.rates ?? this.rates;
    const { testSplit = this.testSplit } = choices;
    if (testSplit === '' || this.corpus?.splits.includes(testSplit)) this.testSplit = testSplit;
    this.training = choices.training ?? this.training;
    this.encoding = choices.encoding ?? this.encoding;
    this.seed = choices.seed ?? this.seed;
    this.seedCount = choices.seedCount ?? this.seedCount;
    this.budget = choices.budget ?? this.budget;
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

  /**
   * Looks at the corpus and proposes a training; where nothing was chosen yet, the proposal is chosen.
   * @param hasGpu whether trainings run on one
   */
  async look(studio: Studio, hasGpu: boolean): Promise<void> {
    const { corpus } = this;
    if (corpus === undefined) return;
    const testSplit = this.testSplit === '' ? null : this.testSplit;
    const question = { corpusId: corpus.id, encoder: 'pico', testSplit };
    const asked = JSON.stringify([question, hasGpu]);
    if (asked === this.#looked) return;
    this.#looked = asked;
    const data = await (await studio.client()).dataFacts(question);
    if (asked !== this.#looked) return;
    this.proposal = proposeTraining({ data, hasGpu, isOnline: navigator.onLine });
    if (this.#isUntouched) this.take(this.proposal);
  }

  /** Chooses what is proposed. */
  take(proposal: Proposal): void {
    const { lists, encoder, loss, scope, lossSettings, teacher, training, encoding } =
      this.#proposed(proposal);
    this.lists = lists;
    this.encoder = encoder;
    this.loss = loss;
    this.scope = scope;
    this.lossSettings = lossSettings;
    this.teacher = teacher;
    this.training = training;
    this.encoding = encoding;
  }

  /** The choices with those of the proposal. */
  #proposed({ lists, encoder, loss, scope, lossSettings, teacher, ...numbers }: Proposal): OwnChoices {
    const { learningRate, batchSize, negatives, epochs, passageMaxLength } = numbers;
    const { training, encoding } = this;
    return {
      ...this.choices,
      lists: { kind: lists },
      ...{ encoder, loss, scope, lossSettings, teacher: teacher ?? defaultChoices.teacher },
      training: {
        ...{ ...training, learningRate, epochs },
        batches: { ...training.batches, batchSize, negatives },
      },
      encoding: { ...encoding, passageMaxLength },
    };
  }

  /** Whether the choices are those of the proposal. */
  get isProposed(): boolean {
    const { proposal } = this;
    return proposal !== undefined && same(trainedWith(this.#proposed(proposal)), trainedWith(this.choices));
  }

  /** Whether nothing was chosen but the corpus. */
  get #isUntouched(): boolean {
    const untouched = { ...this.choices, ...defaultChoices, lists: listsOf(this.corpus) };
    return same(trainedWith(untouched), trainedWith(this.choices));
  }

  /** Plans the training of these choices, where none is missing. */
  ask(studio: Studio): void {
    this.plan.ask(() => studio.client(), this.recipe, this.budget);
  }

  /** The training of these choices, as it was planned. */
  planned(studio: Studio): RunView | undefined {
    const { corpus, plan, missing } = this;
    if (corpus === undefined || missing.length > 0 || plan.isPlanning || plan.planned === undefined)
      return undefined;
    const recipe = ownRecipe({ ...this.choices, corpus }, plan.planned.within);
    return studio.view(ownRunId(corpus, new Date()), recipe);
  }

  /** Undefined where choices are missing. */
  get recipe(): KeptRun['recipe'] | undefined {
    const { corpus } = this;
    return corpus === undefined || this.missing.length > 0
      ? undefined
      : ownRecipe({ ...this.choices, corpus });
  }
}

/** What a corpus is trained on where nobody has chosen. */
function listsOf(corpus: KeptItem | undefined): ListsChoice {
  return { kind: corpus === undefined || corpus.splits.includes('train') ? 'mined' : 'extracted' };
}

/** The choices that a proposal makes. */
function trainedWith({
  lists,
  encoder,
  loss,
  scope,
  lossSettings,
  teacher,
  training,
  encoding,
}: OwnChoices): unknown {
  return [lists, encoder, loss, scope, lossSettings, teacher, training, encoding];
}

function isBuiltIn(model: string): boolean {
  return builtInModels.some(({ name }) => name === model);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
