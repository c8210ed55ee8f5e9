import type { Judgments } from '../../corpus/types.ts';
import {
  judgedDepth,
  judgedQueries,
  mixed,
  readJudging,
  sampleQueries,
  withEntry,
  writeJudging,
  type Judging,
  type RankedLists,
} from '../judging.ts';
import type { TestQuery } from '../protocol.ts';
import { readJudgments, writeJudgments } from './judgments.ts';
import { problemOf, type Problem } from './problem.ts';
import type { RunView } from './run-view.svelte.ts';

/** A passage without what would tell who found it. */
export interface BlindPassage {
  readonly id: string;
  readonly text: string;
}

interface ShownQuery {
  readonly query: TestQuery;
  readonly passages: readonly BlindPassage[];
}

/** A grade that was given, and what was there before it. */
interface Given {
  readonly queryId: string;
  readonly passageId: string;
  readonly before: number | undefined;
}

/** One seed for everybody: whoever judges the same run again judges the same queries. */
const seed = 1;

/** The judgments that somebody makes of a run. Each grade is kept at once. */
export class JudgingView {
  systems = $state.raw<readonly [string, string]>(['', '']);
  grades = $state.raw<Judgments>(new Map());
  lists = $state.raw<RankedLists>(new Map());
  /** The sample; undefined before it is drawn. */
  queries = $state.raw<readonly TestQuery[] | undefined>();
  shown = $state.raw<ShownQuery | undefined>();
  /** The passage that a key grades, from 0. */
  current = $state(0);
  isLoading = $state(false);
  problem = $state.raw<Problem | undefined>();
  /** What was done last, in words. */
  told = $state('');
  readonly #run: Pick<RunView, 'runId' | 'search' | 'testQueries'>;
  readonly #history: Given[] = [];
  #given = $state(0);
  /** Of the last query that was asked for. */
  #turn = 0;
  /** What was found for queries in this visit, by the systems and the query. */
  readonly #found = new Map<string, Promise<readonly BlindPassage[]>>();

  readonly judged = $derived(judgedQueries(this.#judging()));

  /** @param systems what is compared unless something else was chosen before */
  constructor(run: Pick<RunView, 'runId' | 'search' | 'testQueries'>, systems: readonly [string, string]) {
    this.#run = run;
    const kept = readJudging(readJudgments(run.runId));
    this.systems = kept?.systems ?? systems;
    this.grades = kept?.grades ?? this.grades;
    this.lists = kept?.lists ?? this.lists;
  }

  #judging(): Judging {
    return { seed, systems: this.systems, grades: this.grades, lists: this.lists };
  }

  get judging(): Judging {
    return this.#judging();
  }

  get canUndo(): boolean {
    return this.#given > 0;
  }

  /** How many passages have a grade. */
  get gradeCount(): number {
    return [...this.grades.values()].reduce((sum, { size }) => sum + size, 0);
  }

  get isDone(): boolean {
    return this.queries?.every(({ id }) => this.judged.includes(id)) === true;
  }

  /** The place of the query that is shown, from 0. */
  get place(): number {
    return this.queries?.findIndex(({ id }) => id === this.shown?.query.id) ?? 0;
  }

  gradeOf(passageId: string): number | undefined {
    return this.grades.get(this.shown?.query.id ?? '')?.get(passageId);
  }

  /** Draws the sample, and shows the first query that is not judged. */
  async begin(): Promise<void> {
    await this.#load(async () => {
      this.queries = sampleQueries(await this.#run.testQueries(), seed);
    });
    if (this.queries !== undefined) await this.showNext();
  }

  /** Compares other systems: what was judged stays, and what they found beside it is asked for. */
  async choose(systems: readonly [string, string]): Promise<void> {
    this.systems = systems;
    this.#keep();
    if (this.queries !== undefined) await this.showNext();
  }

  /** The first query with a passage that has no grade; none where all are judged. */
  showNext(): Promise<void> {
    return this.#load(async (isCurrent) => {
      for (;;) {
        const query = this.queries?.find(({ id }) => !this.judged.includes(id));
        if (query === undefined) break;
        const passages = await this.#find(query);
        if (!isCurrent()) return;
        // Where nothing was found, nothing is left to judge.
        if (passages.length === 0) this.grades = new Map(this.grades).set(query.id, new Map());
        if (this.judged.includes(query.id)) continue;
        this.#open({ query, passages });
        return;
      }
      this.shown = undefined;
    });
  }

  /** A query by its place, from 0, to look at it again. */
  showAt(place: number): Promise<void> {
    return this.#load(async (isCurrent) => {
      const query = this.queries?.[place];
      if (query === undefined) return;
      const passages = await this.#find(query);
      if (isCurrent()) this.#open({ query, passages });
    });
  }

  /** @param task is told whether another one has taken its place */
  async #load(task: (isCurrent: () => boolean) => Promise<void>): Promise<void> {
    const turn = ++this.#turn;
    this.isLoading = true;
    this.problem = undefined;
    try {
      await task(() => turn === this.#turn);
    } catch (error) {
      if (turn === this.#turn) this.problem = problemOf(error);
    } finally {
      if (turn === this.#turn) this.isLoading = false;
      this.#keep();
    }
  }

  #open(shown: ShownQuery): void {
    this.shown = shown;
    this.current = Math.max(
      0,
      shown.passages.findIndex(({ id }) => this.gradeOf(id) === undefined),
    );
    this.#fetchAfter(shown.query);
  }

  move(by: number): void {
    const last = (this.shown?.passages.length ?? 1) - 1;
    this.current = Math.min(Math.max(this.current + by, 0), last);
  }

  /**
   * Grades a passage of the query that is shown, and goes on to the next one without a grade.
   * @param grade from 0 to 3
   */
  async grade(grade: number, place = this.current): Promise<void> {
    const { shown } = this;
    const passage = shown?.passages[place];
    if (shown === undefined || passage === undefined || this.isLoading) return;
    const wasJudged = this.judged.includes(shown.query.id);
    this.#history.push({ queryId: shown.query.id, passageId: passage.id, before: this.gradeOf(passage.id) });
    this.#given = this.#history.length;
    this.grades = withEntry(this.grades, shown.query.id, passage.id, grade);
    this.#keep();
    this.told = `Passage ${place + 1}: grade ${grade}.`;
    if (!wasJudged && this.judged.includes(shown.query.id)) {
      await this.showNext();
      return;
    }
    const open = [...shown.passages.keys()].filter(
      (i) => this.gradeOf(shown.passages[i]?.id ?? '') === undefined,
    );
    this.current = open.find((i) => i > place) ?? open[0] ?? Math.min(place + 1, shown.passages.length - 1);
  }

  /** Takes the last grade back, and shows its passage. */
  async undo(): Promise<void> {
    const last = this.#history.pop();
    this.#given = this.#history.length;
    if (last === undefined) return;
    this.grades = withEntry(this.grades, last.queryId, last.passageId, last.before);
    this.#keep();
    if (this.shown?.query.id !== last.queryId) {
      await this.showAt(this.queries?.findIndex(({ id }) => id === last.queryId) ?? -1);
    }
    this.current = Math.max(0, this.shown?.passages.findIndex(({ id }) => id === last.passageId) ?? 0);
    this.told = 'The last grade was taken back.';
  }

  /** Deletes every grade of this run. */
  forget(): void {
    this.grades = new Map();
    this.lists = new Map();
    this.shown = undefined;
    this.queries = undefined;
    this.#history.length = 0;
    this.#given = 0;
    writeJudgments(this.#run.runId, undefined);
  }

  /** What both systems find, mixed. */
  #find(query: TestQuery): Promise<readonly BlindPassage[]> {
    const { systems } = this;
    const key = JSON.stringify([systems, query.id]);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const search = async (): Promise<readonly BlindPassage[]> => {
      const { found } = await this.#run.search(query.text, systems);
      const best = found.map(({ system, passages }) => ({
        system,
        passages: passages.slice(0, judgedDepth),
      }));
      for (const { system, passages } of best) {
        this.lists = withEntry(
          this.lists,
          system,
          query.id,
          passages.map(({ id }) => id),
        );
      }
      const blind = best.map(({ passages }) => passages.map(({ id, text }) => ({ id, text })));
      return mixed(query.id, blind, seed);
    };
    const finding = search();
    this.#found.set(key, finding);
    finding.catch(() => this.#found.delete(key));
    return finding;
  }

  /** While this query is judged, the next one is searched for. */
  #fetchAfter(query: TestQuery): void {
    const next = this.queries?.find(({ id }) => id !== query.id && !this.judged.includes(id));
    // Why it failed is told when it is asked for again.
    if (next !== undefined) this.#find(next).catch(() => undefined);
  }

  #keep(): void {
    // Whoever has graded nothing has nothing to come back to.
    const kept = this.gradeCount === 0 ? undefined : writeJudging(this.#judging());
    writeJudgments(this.#run.runId, kept);
  }
}
