import * as v from 'valibot';
import { InputError } from '../core/errors.ts';
import type { LossSpec } from '../losses/loss-spec.ts';
import { lossOfSource } from '../training/mixing/loss-of-source.ts';
import { mixOf } from './arm-mix.ts';
import { describeIssues, describeReservedKeys } from './describe-issues.ts';
import { Faults } from './faults.ts';
import { mixSchema, type RecipeMix } from './mix-schema.ts';

const remedy = 'Fix the mix; docs/recipes.md describes its members';

/**
 * A mix of lists that are ready: what a recipe's arm says under `mix`, without filters.
 * @param loss the training's, which must have the temperatures and margins that sources set
 * @param file names it in errors
 * @throws InputError naming the path of each wrong value
 */
export function readMix(document: unknown, loss: LossSpec, file?: string): RecipeMix {
  // To valibot a list is an object, too.
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new InputError('is not an object {…}', { file, remedy });
  }
  const result = v.safeParse(mixSchema, document);
  const faults = new Faults();
  faults.lines.push(...describeReservedKeys(document));
  if (!result.success) throw refused(describeIssues(mixSchema, document), file);
  const { sources } = result.output;
  sources.forEach(({ filters }, i) => {
    if (filters === undefined) return;
    faults.add(
      ['sources', i, 'filters'],
      'filters are available only in recipes (use `retriever-studio filter` to write filtered lists)',
    );
  });
  faults.distinct(
    (i) => ['sources', i, 'source'],
    sources.map(({ source }) => source),
    'sources',
  );
  mixOf(result.output).sources.forEach((source, i) =>
    faults.attempt(['sources', i], () => lossOfSource(loss, source)),
  );
  if (faults.lines.length > 0) throw refused(faults.lines, file);
  return result.output;
}

function refused(faults: readonly string[], file: string | undefined): InputError {
  return new InputError(faults.join('; '), { file, remedy });
}
