/** What a result says of judging it before the panel for that is loaded. */
import { readPreference, writePreference } from './preferences.ts';

/** About five minutes. */
export const queriesToJudge = 20;

function nameOf(runId: string): string {
  return `judging.${runId}`;
}

/** Whether somebody has begun to judge a run in this browser. */
export function hasJudgments(runId: string): boolean {
  return readJudgments(runId) !== undefined;
}

export function readJudgments(runId: string): string | undefined {
  return readPreference(nameOf(runId));
}

/** Keeps them, or forgets them. */
export function writeJudgments(runId: string, text: string | undefined): void {
  writePreference(nameOf(runId), text);
}
