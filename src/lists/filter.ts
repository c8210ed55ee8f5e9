import { isPositive } from '../corpus/text-key.ts';
import type { ListDocument, ListRecord, Source } from '../corpus/types.ts';
import { InputError } from '../core/errors.ts';
import { ExampleSample, type RuleExample } from './rule-examples.ts';
import { formatRule, isRuleName } from './rule-spec.ts';
import type {
  FilterRule,
  ListRuleDefinition,
  PassageRuleDefinition,
  RemainingList,
  RuleInput,
} from './rules/contract.ts';
import { groupOf, type ScoreGroup } from './score-groups.ts';
import { isDropped, withoutVerdicts, type Verdict } from './verdicts.ts';

export type { RuleExample } from './rule-examples.ts';

export interface FilterOptions {
  /** Whose scores `percentile` takes together; all of the file by default. */
  readonly group?: ScoreGroup;
  /** Examples of what each rule kept and of what it dropped; 3 of each by default. */
  readonly examples?: number;
  /** Which ones they are; 0 by default. */
  readonly seed?: number;
}

export type VerdictCounts = {
  readonly kept: number;
  readonly dropped: number;
  /** The rule could not judge them; they stay. */
  readonly skipped: number;
};

/** What one rule did with what the rules before it had left. */
export type RuleReport = {
  /** As it is written. */
  readonly rule: string;
  /** What is counted. */
  readonly judges: 'passages' | 'lists';
  readonly counts: VerdictCounts;
  /** Passages by their source; of a rule about lists, all passages of the lists. */
  readonly bySource: Readonly<Record<Source, VerdictCounts>>;
  readonly keptExamples: readonly RuleExample[];
  readonly droppedExamples: readonly RuleExample[];
};

export type FilterReport = {
  readonly lists: number;
  readonly passages: number;
  readonly rules: readonly RuleReport[];
};

/**
 * Applies a stack of rules: each judges what those before it left, and writes its verdict, named as the rule is
 * written, to each passage that it judged. Nothing is removed ({@link keepPassages} does that).
 *
 * Verdicts of earlier calls are taken away first, so that a call with other thresholds gives what it would have
 * given on fresh lists. Verdicts of other origin stay, and what they drop no rule judges.
 *
 * @throws InputError if the lists lack what a rule reads: scores, ranks, labels or answers.
 */
export function applyRules(
  lists: readonly ListRecord[],
  rules: readonly FilterRule[],
  { group = 'file', examples = 3, seed = 0 }: FilterOptions = {},
): { readonly lists: readonly ListRecord[]; readonly report: FilterReport } {
  const states = lists.map((list) => new ListState(list, groupOf(list, group)));
  const reports = rules.map((rule) => {
    const name = formatRule(rule);
    const remaining = states.flatMap((state) => state.remaining() ?? []);
    requireInput(rule, name, lists, remaining);
    const journal = new Journal(name, rule, examples, seed);
    if (rule.definition.judges === 'lists') judgeLists(rule.definition, rule, remaining, journal);
    else judgePassages(rule.definition, rule, remaining, journal);
    return journal.report();
  });
  return {
    lists: states.map((state) => state.result()),
    report: {
      lists: lists.length,
      passages: lists.reduce((sum, { documents }) => sum + documents.length, 0),
      rules: reports,
    },
  };
}

/** A list while rules are applied: what is left of it, and the verdicts so far. */
class ListState {
  readonly #record: ListRecord;
  readonly #group: string;
  /** Without the verdicts of earlier calls. */
  readonly #documents: readonly ListDocument[];
  readonly #verdicts: (Record<string, Verdict> | undefined)[];
  readonly #isLeft: boolean[];

  constructor(record: ListRecord, group: string) {
    this.#record = record;
    this.#group = group;
    this.#documents = record.documents.map((document) => withoutVerdicts(document, isRuleName));
    this.#verdicts = record.documents.map(() => undefined);
    this.#isLeft = this.#documents.map((document) => !isDropped(document));
  }

  /** Undefined where nothing is left. */
  remaining(): OpenList | undefined {
    const places = [...this.#documents.keys()].filter((place) => this.#isLeft[place]);
    if (places.length === 0) return undefined;
    const documents = places.map((place) => this.#documents[place] as ListDocument);
    const isOther = documents.map((document) => !isPositive(document));
    const otherPlaces = places.filter((_, i) => isOther[i]);
    return {
      record: this.#record,
      group: this.#group,
      documents,
      positives: documents.filter((_, i) => !isOther[i]),
      others: documents.filter((_, i) => isOther[i]),
      writeAll: (rule, verdict) => {
        for (const place of places) this.#write(place, rule, verdict);
      },
      writeOther: (at, rule, verdict) => this.#write(otherPlaces[at] as number, rule, verdict),
    };
  }

  result(): ListRecord {
    const documents = this.#documents.map((document, place) => {
      const verdicts = this.#verdicts[place];
      return verdicts === undefined
        ? document
        : { ...document, verdicts: { ...document.verdicts, ...verdicts } };
    });
    return { ...this.#record, documents };
  }

  #write(place: number, rule: string, verdict: Verdict): void {
    (this.#verdicts[place] ??= {})[rule] = verdict;
    if (verdict.startsWith('drop')) this.#isLeft[place] = false;
  }
}

interface OpenList extends RemainingList {
  writeAll(rule: string, verdict: Verdict): void;
  /** @param at a place among the others */
  writeOther(at: number, rule: string, verdict: Verdict): void;
}

function judgeLists(
  definition: ListRuleDefinition,
  { threshold, source }: FilterRule,
  lists: readonly OpenList[],
  journal: Journal,
): void {
  const judge = definition.prepare(lists, threshold, source);
  for (const list of lists) {
    const verdict = judge(list);
    list.writeAll(journal.name, verdict);
    journal.count(verdict);
    for (const document of list.documents) journal.countSource(document.source, verdict);
    // A list is shown by the passage that it stands or falls with.
    const shown = list.positives[0] ?? list.documents[0];
    if (shown !== undefined) journal.offer(list, shown, verdict);
  }
}

function judgePassages(
  definition: PassageRuleDefinition,
  { threshold, source }: FilterRule,
  lists: readonly OpenList[],
  journal: Journal,
): void {
  const judgeOf = definition.prepare(threshold);
  for (const list of lists) {
    const judge = judgeOf(list);
    for (const [at, document] of list.others.entries()) {
      if (source !== undefined && document.source !== source) continue;
      const verdict = judge(at);
      list.writeOther(at, journal.name, verdict);
      journal.count(verdict);
      journal.countSource(document.source, verdict);
      journal.offer(list, document, verdict);
    }
  }
}

/** Where it is nowhere in the lists, a rule that reads it was not what the user wanted. */
function requireInput(
  { definition: { reads } }: FilterRule,
  name: string,
  lists: readonly ListRecord[],
  remaining: readonly RemainingList[],
): void {
  if (reads === undefined || remaining.length === 0) return;
  const isThere = (list: ListRecord): boolean =>
    reads === 'answers'
      ? list.answers !== undefined
      : list.documents.some((document) => document[reads] !== undefined);
  if (lists.some(isThere)) return;
  const [missing, remedy] = MISSING[reads];
  throw new InputError(`${missing}, which the rule "${name}" requires`, { remedy });
}

const MISSING: Readonly<Record<RuleInput, readonly [missing: string, remedy: string]>> = {
  teacher: ['no passage has a teacher score', 'Use lists with teacher scores, or set a teacher'],
  guide: ['no passage has a guide score', 'Set a guide, or use a file of guide scores'],
  model_label: ['no passage has a label from a language model', 'Use a file of labels from a language model'],
  hand_label: ['no passage has a label from a person', 'Use a file of labels from people'],
  answers: ['no list has answers', 'Use a file of answers by query id'],
};

/** Counts and examples of one rule. */
class Journal {
  readonly name: string;
  readonly #judges: 'passages' | 'lists';
  readonly #counts = noCounts();
  readonly #bySource = new Map<Source, MutableCounts>();
  readonly #kept: ExampleSample;
  readonly #dropped: ExampleSample;

  constructor(name: string, rule: FilterRule, examples: number, seed: number) {
    this.name = name;
    this.#judges = rule.definition.judges;
    this.#kept = new ExampleSample(examples, seed);
    this.#dropped = new ExampleSample(examples, seed);
  }

  count(verdict: Verdict): void {
    this.#counts[kindOf(verdict)]++;
  }

  countSource(source: Source, verdict: Verdict): void {
    const counts = this.#bySource.get(source) ?? noCounts();
    counts[kindOf(verdict)]++;
    this.#bySource.set(source, counts);
  }

  offer(list: RemainingList, document: ListDocument, verdict: Verdict): void {
    const kind = kindOf(verdict);
    if (kind === 'kept') this.#kept.offer(list, document, verdict);
    if (kind === 'dropped') this.#dropped.offer(list, document, verdict);
  }

  report(): RuleReport {
    return {
      rule: this.name,
      judges: this.#judges,
      counts: this.#counts,
      bySource: Object.fromEntries(this.#bySource),
      keptExamples: this.#kept.examples(),
      droppedExamples: this.#dropped.examples(),
    };
  }
}

type MutableCounts = { -readonly [Key in keyof VerdictCounts]: number };

function noCounts(): MutableCounts {
  return { kept: 0, dropped: 0, skipped: 0 };
}

function kindOf(verdict: Verdict): keyof VerdictCounts {
  if (verdict.startsWith('drop')) return 'dropped';
  return verdict === 'keep' ? 'kept' : 'skipped';
}
