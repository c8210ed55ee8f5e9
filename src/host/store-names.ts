import { StoreCorruptionError } from './contract.ts';
import { InputError } from '../core/errors.ts';

/** Lower case, since some file systems take `A` and `a` for one name. */
const NAMESPACE = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const KEY = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/;

/** Checks the name of a namespace, which becomes a folder. @throws InputError that states what is allowed */
export function assertNamespace(name: string): void {
  // Windows drops a final dot, and knows devices by these names with any extension.
  if (NAMESPACE.test(name) && !name.endsWith('.') && !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(name))
    return;
  throw new InputError(`${JSON.stringify(name)} cannot name something in the store`, {
    remedy:
      'Use up to 100 lower-case letters, digits, dots, hyphens and underscores, a letter or digit first',
  });
}

/** Checks the name of a record in a namespace. @throws InputError that states what is allowed */
export function assertKey(key: string): void {
  if (KEY.test(key)) return;
  throw new InputError(`${JSON.stringify(key)} cannot name a record in the store`, {
    remedy: 'Use up to 200 letters, digits and . _ : / - with a letter or digit first',
  });
}

/** Checks the name of a blob. @throws StoreCorruptionError */
export function assertSha256(name: string): void {
  if (!/^[0-9a-f]{64}$/.test(name)) throw new StoreCorruptionError(`"${name}" is not a SHA-256`);
}
