import { jsonOf, writtenAs } from '../../core/json.ts';
import type { Store } from '../../host/contract.ts';
import type { RecipeInput } from '../../pipeline/schema.ts';
import type { KeptRun } from '../protocol.ts';
import { commitInTurn } from '../../host/commit-in-turn.ts';

const NAMESPACE = 'runs';

/** The runs that were begun in this browser. Their results are kept by their stages, under hashes of their own. */
export class KeptRuns {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The latest first. */
  async list(): Promise<KeptRun[]> {
    const runs: KeptRun[] = [];
    for (const id of await this.#store.keys(NAMESPACE)) {
      const run = await this.#find(id);
      if (run !== undefined) runs.push(run);
    }
    return runs.sort((a, b) => (a.changedAt < b.changedAt ? 1 : -1));
  }

  /** @param best of its trained encoders, once it is finished */
  async write(runId: string, recipe: RecipeInput, state: KeptRun['state'], best?: number): Promise<void> {
    const now = new Date().toISOString();
    const earlier = await this.#find(runId);
    const begunAt = earlier?.begunAt ?? now;
    const measured = best === undefined ? {} : { best };
    const run: KeptRun = { runId, recipe, state, begunAt, changedAt: now, ...measured };
    await commitInTurn(this.#store, NAMESPACE, {
      put: { [runId]: { value: jsonOf(run), blobs: [] } },
    });
  }

  async forget(runId: string): Promise<void> {
    await commitInTurn(this.#store, NAMESPACE, { delete: [runId] });
  }

  async #find(runId: string): Promise<KeptRun | undefined> {
    const record = await this.#store.get(NAMESPACE, runId);
    return record && writtenAs<KeptRun>(record).value;
  }
}
