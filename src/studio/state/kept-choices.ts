/** The choices of a project as the browser keeps them between visits. */
import * as v from 'valibot';
import { encodingSettingTable } from '../../encoders/encoding-setting-table.ts';
import { entriesOf } from '../../core/setting.ts';
import { losses } from '../../losses/index.ts';
import { trainingSchema } from '../../pipeline/schema/training.ts';
import type { OwnChoices } from '../own-recipe.ts';

/** All but the corpus, which is the project itself. */
export type ProjectChoices = Omit<OwnChoices, 'corpus'>;

/** As far as they were kept. */
export type KeptChoices = {
  readonly [Name in keyof ProjectChoices]?: ProjectChoices[Name] | undefined;
};

const schemas = {
  encoder: v.string(),
  lists: v.variant('kind', [
    v.object({ kind: v.literal('mined') }),
    v.object({ kind: v.literal('corpus-file'), path: v.string() }),
    v.object({ kind: v.literal('kept-file'), id: v.string() }),
  ]),
  teacher: v.string(),
  loss: v.picklist(losses.map(({ name }) => name)),
  scope: v.string(),
  lossSettings: v.record(v.string(), v.number()),
  compare: v.boolean(),
  testSplit: v.string(),
  training: trainingSchema,
  encoding: v.strictObject(entriesOf(encodingSettingTable)),
  seed: v.number(),
} satisfies Record<keyof ProjectChoices, v.GenericSchema>;

const schema = v.partial(v.object(schemas));

/** A number field that is empty has no number: nothing is kept of it. */
export function writeChoices(choices: ProjectChoices): string {
  return JSON.stringify(choices, (key, value: unknown) =>
    key === 'corpus' || Number.isNaN(value) ? undefined : value,
  );
}

/** What can be read of kept choices; another version of the studio may have written them. */
export function readChoices(text: string | undefined): KeptChoices {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '{}');
  } catch {
    return {};
  }
  const whole = v.safeParse(schema, kept);
  if (whole.success) return whole.output;
  // One that cannot be read costs no other.
  const wrong = new Set(whole.issues.map(({ path }) => path?.[0].key));
  const others = Object.entries(v.is(v.record(v.string(), v.unknown()), kept) ? kept : {});
  const rest = v.safeParse(schema, Object.fromEntries(others.filter(([key]) => !wrong.has(key))));
  return rest.success ? rest.output : {};
}
