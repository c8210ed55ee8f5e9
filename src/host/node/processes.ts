import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errorCode } from './file-operations.ts';

/** Tells a process from every other, also from a later one that was given the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the machine's start to the process's start; empty where the system does not say (no /proc). */
  readonly started: string;
  readonly host: string;
}

export async function currentProcess(): Promise<ProcessIdentity> {
  return { pid: process.pid, started: (await startTime(process.pid)) ?? '', host: hostname() };
}

/**
 * Whether the process still runs. 'unknown' for one on another machine (a network folder, a container).
 */
export async function processStatus(identity: ProcessIdentity): Promise<'alive' | 'dead' | 'unknown'> {
  if (identity.host !== hostname()) return 'unknown';
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    if (errorCode(error) === 'ESRCH') return 'dead';
  }
  if (identity.started === '') return 'alive';
  const started = await startTime(identity.pid);
  return started === undefined || started === identity.started ? 'alive' : 'dead';
}

/** Field 22 of /proc/PID/stat (proc(5)); a zombie counts as gone. */
async function startTime(pid: number): Promise<string | undefined> {
  let line: string;
  try {
    line = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field, the command's name in brackets, may hold blanks and brackets.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? 'zombie' : fields[19];
}
