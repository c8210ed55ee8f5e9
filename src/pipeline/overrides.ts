import { InputError } from '../core/errors.ts';
import { isNestedDeeper } from '../core/json-text.ts';

/**
 * A recipe's document with some values set: `training.learningRate=1e-4`, `arms[2].loss=kl`, `seeds=[1,2]`. A value is
 * read as JSON, and as a text where it is none. What the path leads through is made where it is missing; `null` stays
 * null, and a list can grow by its next place only.
 * @throws InputError for a path that leads nowhere
 */
export function withOverrides(document: unknown, overrides: readonly string[]): unknown {
  if (overrides.length > MOST_OVERRIDES) {
    throw new InputError(`--set was passed ${overrides.length} times`, {
      remedy: `Set at most ${MOST_OVERRIDES} values, and change the others in the recipe file`,
    });
  }
  return overrides.reduce<unknown>((changed, override) => {
    const [, path = '', value = ''] = /^([^=]+)=(.*)$/s.exec(override) ?? [];
    const parts = partsOf(path.trim());
    if (parts === undefined) {
      throw new InputError(`--set is "${override}"`, {
        remedy: 'Use path=value, as in training.learningRate=1e-4 or arms[0].loss=kl',
      });
    }
    return setAt(changed, parts, valueOf(value, path.trim()), path.trim());
  }, document);
}

/** Nobody types more; each goes through the whole recipe. */
const MOST_OVERRIDES = 1000;
/** Parts of a path, and levels of a value: no setting stands half as deep. */
const MAX_DEPTH = 64;

function partsOf(path: string): readonly (string | number)[] | undefined {
  if (!/^[^.[\]]+(\.[^.[\]]+|\[\d+\]|\["[^"]+"\])*$/.test(path)) return undefined;
  const parts = [...path.matchAll(/\[(\d+)\]|\["([^"]+)"\]|[^.[\]]+/g)].map(
    ([whole, place, quoted]) => quoted ?? (place === undefined ? whole : Number(place)),
  );
  return parts.length > MAX_DEPTH ? undefined : parts;
}

function valueOf(text: string, path: string): unknown {
  if (isNestedDeeper(text, MAX_DEPTH)) {
    throw new InputError(`--set ${path}: the value is nested deeper than ${MAX_DEPTH} levels`, {
      remedy: 'Set a value that is valid in a recipe',
    });
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function setAt(value: unknown, parts: readonly (string | number)[], wanted: unknown, path: string): unknown {
  const [part, ...rest] = parts;
  if (part === undefined) return wanted;
  if (typeof part === 'number') {
    const list: unknown[] | undefined = value === undefined ? [] : Array.isArray(value) ? value : undefined;
    if (list === undefined || part > list.length) {
      throw new InputError(`--set ${path}: there is no item ${part}`, {
        remedy:
          list === undefined
            ? 'Set the whole value: it is not a list'
            : `Use an index of up to ${list.length}, which adds an item`,
      });
    }
    const changed = [...list];
    changed[part] = setAt(list[part], rest, wanted, path);
    return changed;
  }
  if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) {
    throw new InputError(`--set ${path}: "${part}" is inside a value that has no settings`, {
      remedy: 'Set the whole value, as in arms[0].loss=kl',
    });
  }
  const settings = new Map<string, unknown>(Object.entries(value ?? {}));
  settings.set(part, setAt(settings.get(part), rest, wanted, path));
  return Object.fromEntries(settings);
}
