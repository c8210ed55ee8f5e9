import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import type { LossDefinition } from './contract.ts';
import { infonce } from './infonce.ts';
import { klListwise } from './kl-listwise.ts';
import { listnet } from './listnet.ts';
import { marginMse } from './margin-mse.ts';
import { foldName } from './settings.ts';
import { triplet } from './triplet.ts';
import { ws2 } from './ws2.ts';

/** Every loss. A new one is a file of its own and a line here. */
export const losses: readonly LossDefinition[] = [infonce, klListwise, marginMse, triplet, listnet, ws2];

/**
 * The loss of that name or alias; case, hyphens and underscores do not matter.
 * @throws InputError naming the nearest loss.
 */
export function lossByName(name: string): LossDefinition {
  const wanted = foldName(name);
  const found = losses.find((loss) =>
    [loss.name, ...loss.aliases].some((known) => foldName(known) === wanted),
  );
  if (found !== undefined) return found;
  const nearest = nearestName(
    name,
    losses.flatMap((loss) => [loss.name, ...loss.aliases]),
  );
  const known = losses.map((loss) => loss.name).join(', ');
  throw new InputError(`there is no loss '${name}'`, {
    remedy: `${nearest ? `Did you mean '${nearest}'? ` : ''}Use one of ${known}`,
  });
}
