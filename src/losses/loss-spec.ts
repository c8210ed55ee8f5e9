import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import type { CandidateScope, LossDefinition, LossSettings } from './contract.ts';
import { lossByName } from './index.ts';
import type { PositiveAwareRule } from './positive-aware-mask.ts';
import { foldName, readSettings } from './settings.ts';
import { own } from '../core/own.ts';

/** One loss of a weighted sum, ready to compute. */
export interface LossTerm {
  readonly definition: LossDefinition;
  /** Above 0. */
  readonly weight: number;
  /** Complete: every setting of the definition. */
  readonly settings: LossSettings;
  readonly scope: CandidateScope;
  /** Which likely positives are excluded from the negatives, beyond the known ones. */
  readonly mask: PositiveAwareRule;
}

/** The training objective: the weighted sum of its terms, at least one. */
export interface LossSpec {
  readonly terms: readonly LossTerm[];
}

/** A term as data, e.g. in a recipe. */
export interface LossTermInput {
  readonly loss: string;
  readonly weight?: number;
  readonly scope?: string;
  /** The loss's own settings; also `scale` (1 / temperature), `mask` and `maskMargin`. */
  readonly settings?: LossSettings;
}

/** Whether a loss takes every other passage of its row for a negative: it reads neither grades nor a teacher. */
export function isContrastive(definition: LossDefinition): boolean {
  return !definition.needs.includes('labels') && !definition.needs.includes('teacher');
}

/**
 * Whether a term's teacher must score every query of a batch with every passage of it: it reads a teacher, and its
 * candidates are more than the own list, which is all that stored scores are about.
 */
export function readsTeacherVectors({ definition, scope }: LossTerm): boolean {
  return definition.needs.includes('teacher') && scope === 'batch';
}

/** Whether a term, or its mask, reads the teacher scores that lists carry. */
export function readsTeacherScores(term: LossTerm): boolean {
  const { share, margin } = term.mask;
  const reads = term.definition.needs.includes('teacher') && !readsTeacherVectors(term);
  return reads || share !== null || margin !== null;
}

/**
 * @throws InputError for an unknown loss, setting or scope (with the nearest right name), or a value out of range.
 */
export function lossTerm(input: LossTermInput): LossTerm {
  const definition = lossByName(input.loss);
  const weight = input.weight ?? 1;
  if (!Number.isFinite(weight) || weight <= 0) {
    throw new InputError(`The weight of ${definition.name} is ${weight}, but must be above 0 and finite`, {
      remedy: 'Remove the loss to turn it off',
    });
  }
  const { mask, own } = separateSettings(definition, input.settings ?? {});
  return {
    definition,
    weight,
    settings: readSettings(definition.name, definition.settings, own),
    scope: readScope(definition, input.scope),
    mask,
  };
}

/** Settings of every loss that are not its own. */
const MASK_NAMES = ['mask', 'maskMargin'];

/** The canonical name of a setting, `scale` included. */
function settingName(definition: LossDefinition, typed: string): string {
  const own = Object.keys(definition.settings);
  const known = [...own, ...(own.includes('temperature') ? ['scale'] : []), ...MASK_NAMES];
  const found = known.find((name) => foldName(name) === foldName(typed));
  if (found !== undefined) return found;
  const nearest = nearestName(typed, [...known, 'scope']);
  throw new InputError(`${definition.name} has no setting '${typed}'`, {
    remedy: nearest
      ? `Did you mean '${nearest}'`
      : `Use one of its settings: ${[...own, 'scope'].join(', ')}`,
  });
}

/** Separates the settings of the loss from those of the mask, with canonical names. */
function separateSettings(
  definition: LossDefinition,
  given: LossSettings,
): { mask: PositiveAwareRule; own: LossSettings } {
  const own: Record<string, number> = {};
  let share: number | null = null;
  let margin: number | null = null;
  for (const [typed, value] of Object.entries(given)) {
    const name = settingName(definition, typed);
    if (name === 'mask') share = readMask(definition, name, value);
    else if (name === 'maskMargin') margin = readMask(definition, name, value);
    else if (name === 'scale') setOnce(definition, own, 'temperature', 1 / value);
    else setOnce(definition, own, name, value);
  }
  return { mask: { share, margin }, own };
}

function setOnce(definition: LossDefinition, settings: Record<string, number>, name: string, value: number) {
  if (Object.hasOwn(settings, name)) {
    throw new InputError(`${definition.name}: ${name} is set twice`, {
      remedy: name === 'temperature' ? 'Set it once; scale is 1 / temperature' : 'Set it once',
    });
  }
  settings[name] = value;
}

function readMask(definition: LossDefinition, name: string, value: number): number {
  if (!isContrastive(definition)) {
    throw new InputError(
      `${definition.name} has no ${name}: it uses grades or teacher scores for each passage`,
      {
        remedy: `Remove ${name}, or set it on infonce or triplet`,
      },
    );
  }
  if (!Number.isFinite(value) || value < 0) {
    throw new InputError(`${definition.name}: ${name} is ${value}, but must be 0 or more`, {
      remedy: 'Remove it to mask known positives only',
    });
  }
  return value;
}

function readScope(definition: LossDefinition, typed: string | undefined): CandidateScope {
  const known = definition.scopes;
  const found = typed === undefined ? known[0] : known.find((scope) => foldName(scope) === foldName(typed));
  if (found !== undefined) return found;
  throw new InputError(`${definition.name} has no scope '${typed ?? ''}'`, {
    remedy: `Use one of its scopes: ${known.join(', ')}`,
  });
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Reads a weighted sum of losses, e.g. `kl + 0.1*infonce(temperature=0.01, scope=batch, mask=0.6)`.
 *
 * @throws InputError that quotes the text and names the character (1-based) of the mistake.
 */
export function parseLossSpec(text: string): LossSpec {
  return { terms: new SpecReader(text).read() };
}

/** The shortest text that reads back as the same specification. */
export function formatLossSpec(spec: LossSpec): string {
  return spec.terms.map(formatTerm).join(' + ');
}

function formatTerm(term: LossTerm): string {
  const { definition } = term;
  const changed = Object.entries(term.settings)
    .filter(([name, value]) => own(definition.settings, name)?.default !== value)
    .map(([name, value]) => `${name}=${value}`);
  if (term.scope !== definition.scopes[0]) changed.push(`scope=${term.scope}`);
  if (term.mask.share !== null) changed.push(`mask=${term.mask.share}`);
  if (term.mask.margin !== null) changed.push(`maskMargin=${term.mask.margin}`);
  const weight = term.weight === 1 ? '' : `${term.weight}*`;
  return `${weight}${definition.name}${changed.length === 0 ? '' : `(${changed.join(', ')})`}`;
}

interface Token {
  readonly text: string;
  /** 0-based position in the text. */
  readonly at: number;
}

class SpecReader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    // A number with its exponent, a name with inner hyphens, or a single sign.
    const pattern = /(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?![\w.])|[a-z_][\w-]*|\S/giu;
    this.#tokens = [...text.matchAll(pattern)].map((match) => ({ text: match[0], at: match.index }));
  }

  read(): LossTerm[] {
    const terms = [this.#term()];
    while (this.#peek() !== undefined) {
      this.#expect('+', 'between two losses');
      terms.push(this.#term());
    }
    return terms;
  }

  #term(): LossTerm {
    const first = this.#take('a loss');
    let weight = 1;
    let name = first;
    if (NUMBER.test(first.text)) {
      weight = Number(first.text);
      this.#expect('*', 'between a weight and its loss');
      name = this.#take('a loss');
    }
    if (!/^[a-z_]/i.test(name.text)) this.#fail(name, `expected a loss, found '${name.text}'`);
    const input = { loss: name.text, weight, ...this.#settings(name) };
    return this.#locating(first, () => lossTerm(input));
  }

  #settings(name: Token): { settings: LossSettings; scope?: string } {
    const settings: Record<string, number> = {};
    if (this.#peek()?.text !== '(') return { settings };
    this.#take('(');
    const definition = this.#locating(name, () => lossByName(name.text));
    let scope: string | undefined;
    if (this.#peek()?.text === ')') this.#take(')');
    else {
      for (;;) {
        const setting = this.#take('a setting');
        this.#expect('=', `after '${setting.text}'`);
        if (foldName(setting.text) === 'scope') {
          const value = this.#take('a scope');
          this.#locating(value, () => readScope(definition, value.text));
          scope = value.text;
        } else {
          this.#locating(setting, () => settingName(definition, setting.text));
          const value = this.#number(setting);
          if (Object.hasOwn(settings, setting.text)) this.#fail(setting, `'${setting.text}' is set twice`);
          this.#locating(setting, () => lossTerm({ loss: name.text, settings: { [setting.text]: value } }));
          settings[setting.text] = value;
        }
        const separator = this.#take("',' or ')'");
        if (separator.text === ')') break;
        if (separator.text !== ',') this.#fail(separator, `expected ',' or ')', found '${separator.text}'`);
      }
    }
    return scope === undefined ? { settings } : { settings, scope };
  }

  #number(setting: Token): number {
    const value = this.#take(`the value of '${setting.text}'`);
    const signed =
      value.text === '-' || value.text === '+' ? value.text + this.#take('a number').text : value.text;
    if (!NUMBER.test(signed)) this.#fail(value, `expected a number for '${setting.text}', found '${signed}'`);
    return Number(signed);
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(wanted: string): Token {
    const token = this.#peek();
    if (token === undefined)
      this.#fail({ text: '', at: this.#text.length }, `expected ${wanted}, found the end`);
    this.#next++;
    return token;
  }

  #expect(sign: string, place: string): void {
    const token = this.#take(`'${sign}' ${place}`);
    if (token.text !== sign) this.#fail(token, `expected '${sign}' ${place}, found '${token.text}'`);
  }

  #fail(token: Token, problem: string): never {
    throw new InputError(`loss '${this.#text}', character ${token.at + 1}: ${problem}`, {
      remedy: 'Use a sum such as kl + 0.1*infonce(temperature=0.01, scope=batch)',
    });
  }

  /** Adds the position to an error about the text there. */
  #locating<T>(token: Token, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(`loss '${this.#text}', character ${token.at + 1}: ${error.problem}`, {
        remedy: error.remedy,
        cause: error,
      });
    }
  }
}
