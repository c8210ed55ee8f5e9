/**
 * A program for store-kill.long.test.ts: goes on from the last checkpoint of a store and saves one after another until it
 * is killed, printing each step once it is saved. `node endless-training.mjs STORE ELEMENTS`
 */
import { writeSync } from 'node:fs';
import { FolderStore } from '../../../dist/src/host/node/store.js';
import { CheckpointStore } from '../../../dist/src/training/checkpoint.js';
import { checkpointOf } from './endless-training-state.mjs';

const [folder, elements] = process.argv.slice(2);
const store = await FolderStore.open(folder);
const checkpoints = new CheckpointStore(await store.openWriter('experiment'), store);
const loaded = await checkpoints.loadLatest();
for (const problem of loaded?.problems ?? []) writeSync(2, `${problem}\n`);
for (let step = (loaded?.checkpoint.state.step ?? 0) + 1; ; step++) {
  await checkpoints.save(checkpointOf(step, Number(elements)), { best: step % 7 === 0 });
  // Not buffered: what was saved is said before the kill, or not at all.
  writeSync(1, `${step}\n`);
}
