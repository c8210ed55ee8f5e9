/** The runs that finished in this browser, known before any worker is there: the store alone knows whether they are kept. */
import { readPreference, writePreference } from './preferences.ts';

const name = 'finished';
const most = 50;

/** Their ids, in the order in which they finished. */
export function finishedRuns(): readonly string[] {
  return (readPreference(name) ?? '').split('\n').filter((id) => id !== '');
}

export function noteFinished(runId: string): void {
  write([...others(runId), runId]);
}

export function forgetFinished(runId: string): void {
  write(others(runId));
}

function others(runId: string): readonly string[] {
  return finishedRuns().filter((id) => id !== runId);
}

function write(ids: readonly string[]): void {
  writePreference(name, ids.length === 0 ? undefined : ids.slice(-most).join('\n'));
}
