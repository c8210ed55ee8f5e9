import type { EncoderShape } from '../types.ts';
import { bert } from './bert.ts';
import { distilbert } from './distilbert.ts';
import type { EncoderFamily } from './family.ts';

/** The encoder families of the studio. */
export const encoderFamilies: readonly EncoderFamily[] = [bert, distilbert];

export function familyNamed(name: unknown): EncoderFamily | undefined {
  return encoderFamilies.find((family) => family.name === name);
}

export function familyOf({ family: name }: Pick<EncoderShape, 'family'>): EncoderFamily {
  const family = familyNamed(name);
  if (family === undefined) throw new Error(`there is no encoder family ${name}`);
  return family;
}

/** `a, b or c` */
export function alternatives(items: readonly string[]): string {
  return [items.slice(0, -1).join(', '), ...items.slice(-1)].filter((part) => part !== '').join(' or ');
}
