/** Encoders that the training worker compares on a dropped corpus. */
import { expect, it } from 'vitest';
import type { ModelChoices } from '../../src/pipeline/compare-models.ts';
import type { ComparisonEvent } from '../../src/studio/protocol.ts';
import { droppedCorpus, droppedModel, openClient } from './small-run.ts';

it('compares, says what it leaves out, is canceled and resumes, and refuses a second one meanwhile', async () => {
  const client = await openClient();
  const corpus = await client.keep(droppedCorpus());
  const model = await client.keep(await droppedModel());
  const choices: ModelChoices = {
    corpus: { folder: corpus.id, split: 'test' },
    models: [model.id, 'no-such-model'],
    encoding: { queryMaxLength: 16, passageMaxLength: 24 },
    evaluation: { samples: 1000 },
  };
  const ending = new AbortController();
  const canceled = client.compareModels(
    choices,
    ({ kind }) => {
      if (kind === 'progress') ending.abort();
    },
    ending.signal,
  );
  const { signal } = new AbortController();
  await expect(client.compareModels(choices, () => undefined, signal)).rejects.toThrow('a run is under way');
  expect(await canceled).toEqual({ state: 'canceled' });

  const events: ComparisonEvent[] = [];
  const outcome = await client.compareModels(choices, (event) => events.push(event), signal);
  if (outcome.state !== 'finished') throw new Error('the comparison was canceled');
  const { rows, failed, corpus: of, proposal } = outcome.comparison;
  expect(rows.map(({ system }) => system)).toEqual(['bm25', model.id, `${model.id} + bm25`]);
  expect(rows[1]?.encoder).toMatchObject({ model: model.id, dimensions: 16 });
  expect(of).toMatchObject({ passages: 80, queries: 12, judgedBy: 'test' });
  expect(failed).toMatchObject([{ model: 'no-such-model' }]);
  expect(proposal).toMatchObject({ model: model.id });
  expect(events).toContainEqual({ kind: 'failed', failed: failed[0] });
  const progress = events.filter((event) => event.kind === 'progress');
  expect(progress.at(-1)?.secondsLeft?.most).toBeLessThan(60);
});
