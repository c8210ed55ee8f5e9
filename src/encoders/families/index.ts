import type { ModelFolder } from '../../host/contract.ts';
import type { EncoderShape } from '../types.ts';
import { bert } from './bert.ts';
import { distilbert } from './distilbert.ts';
import type { EncoderFamily, TableFamily, TransformerFamily } from './family.ts';
import { staticEmbedding } from './static.ts';

/** The families that transformers has. */
export const transformerFamilies: readonly TransformerFamily[] = [bert, distilbert];
const tableFamilies: readonly TableFamily[] = [staticEmbedding];
/** The encoder families of the studio. */
export const encoderFamilies: readonly EncoderFamily[] = [...transformerFamilies, ...tableFamilies];

/** The family of a config.json's `model_type`. */
export function familyNamed(name: unknown): TransformerFamily | undefined {
  return transformerFamilies.find((family) => family.name === name);
}

export function familyOf({ family: name }: Pick<EncoderShape, 'family'>): EncoderFamily {
  const family = encoderFamilies.find((each) => each.name === name);
  if (family === undefined) throw new Error(`there is no encoder family ${name}`);
  return family;
}

/** The family of a shape that comes from a config.json. */
export function transformerOf({ family: name }: Pick<EncoderShape, 'family'>): TransformerFamily {
  const family = familyNamed(name);
  if (family === undefined) throw new Error(`${name} is no family of transformers`);
  return family;
}

/** The family of a shape whose encoders are tables of token vectors; undefined for all others. */
export function tableFamilyOf(shape: Pick<EncoderShape, 'family'>): TableFamily | undefined {
  const family = familyOf(shape);
  return family.isTable ? family : undefined;
}

/** The family that reads a folder which is not one of transformers. */
export async function ownerOf(folder: ModelFolder): Promise<TableFamily | undefined> {
  for (const family of tableFamilies) if (await family.owns(folder)) return family;
  return undefined;
}

/** `a, b or c` */
export function alternatives(items: readonly string[]): string {
  return [items.slice(0, -1).join(', '), ...items.slice(-1)].filter((part) => part !== '').join(' or ');
}
