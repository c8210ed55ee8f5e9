import type { KeptItem, KeptRun } from '../protocol.ts';
import { ImportDraft } from './import-draft.svelte.ts';
import { readChoices, writeChoices } from './kept-choices.ts';
import { ModelsOnTrial } from './model-comparison.svelte.ts';
import { OwnData } from './own-data.svelte.ts';
import { readPreference, writePreference } from './preferences.ts';
import { stepNames, type StepName } from '../project-steps.ts';

/** A kept corpus and everything that is made with it. */
export class Project {
  readonly corpus: KeptItem;
  readonly ownData = new OwnData();
  /** Where the user was in it last. */
  step: StepName;

  constructor(corpus: KeptItem, kept: readonly KeptItem[]) {
    this.corpus = corpus;
    this.ownData.use(corpus);
    this.ownData.restore(readChoices(readPreference(choicesOf(corpus.id))), kept);
    const step = readPreference(stepOf(corpus.id));
    this.step = stepNames.find((name) => name === step) ?? 'data';
  }

  get id(): string {
    return this.corpus.id;
  }

  /** Keeps the choices and the step for the next visit. */
  remember(): void {
    writePreference(choicesOf(this.id), writeChoices(this.ownData.choices));
    writePreference(stepOf(this.id), this.step);
  }

  /** The trainings that read this corpus, the latest first. */
  runsAmong(runs: readonly KeptRun[]): readonly KeptRun[] {
    return runs.filter(({ recipe }) => recipe.corpus.folder === this.id);
  }
}

/** All projects of this visit, and what they share: files on their way to a corpus, encoders that are compared. */
export class Projects {
  readonly imports = new ImportDraft();
  readonly models = new ModelsOnTrial();
  readonly #open = new Map<string, Project>();

  /** The project of a corpus: one object for each. */
  of(corpus: KeptItem, kept: readonly KeptItem[]): Project {
    const known = this.#open.get(corpus.id);
    if (known !== undefined) return known;
    // What is derived in it lives as long as it does, not as long as the component that asked for it first.
    $effect.root(() => void this.#open.set(corpus.id, new Project(corpus, kept)));
    return this.of(corpus, kept);
  }

  /**
   * The item is deleted, and may come back.
   * @returns what chooses it again wherever it was chosen, once it is back
   */
  hide(item: KeptItem): () => void {
    const before = [...this.#open.values()].map(({ ownData }) => ({
      ...{ ownData, choices: readChoices(writeChoices(ownData.choices)) },
    }));
    const users = before.filter(({ choices: { encoder, teacher, lists } }) =>
      [encoder, teacher, lists?.kind === 'kept-file' ? lists.id : undefined].includes(item.id),
    );
    const isCompared = this.models.chosen.includes(item.id);
    for (const { ownData } of users) ownData.forget(item);
    this.models.forget(item.id);
    return () => {
      for (const { ownData, choices } of users) ownData.restore(choices, [item]);
      if (isCompared) this.models.choose(item.id, true);
    };
  }

  /** The item is kept no more. */
  forget(item: KeptItem): void {
    if (this.imports.imported?.item.id === item.id) this.imports.discard();
    if (item.kind !== 'corpus') return;
    this.#open.delete(item.id);
    writePreference(choicesOf(item.id), undefined);
    writePreference(stepOf(item.id), undefined);
  }
}

const choicesOf = (id: string): string => `project.${id}.choices`;
const stepOf = (id: string): string => `project.${id}.step`;
