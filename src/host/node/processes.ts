import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errorCode } from './file-operations.ts';

/** Tells a process from every other, also from a later one that was given the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the machine's start to the process's start; empty if the system does not report it (no /proc). */
  readonly started: string;
  readonly host: string;
}

/** Which processes run: who wrote a temporary file, and whether it may still need it. */
export interface ProcessTable {
  current(): Promise<ProcessIdentity>;
  /** 'unknown' for a process on another machine (a network folder, a container). */
  status(identity: ProcessIdentity): Promise<'alive' | 'dead' | 'unknown'>;
}

export const nodeProcesses: ProcessTable = {
  async current() {
    return { pid: process.pid, started: (await startTime(process.pid)) ?? '', host: hostname() };
  },

  async status(identity) {
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
  },
};

/** A file name's part that says who made the file, different at each call: `HOST.PID.STARTED.NUMBER`. */
export function ownerLabel({ host, pid, started }: ProcessIdentity): string {
  const safeHost = encodeURIComponent(host).replaceAll('.', '%2E');
  return `${safeHost}.${pid}.${started || '0'}.${labelsMade++}`;
}
let labelsMade = 0;

/** The process that made an {@link ownerLabel}; undefined for any other text. */
export function labelOwner(label: string): ProcessIdentity | undefined {
  const [, host = '', pid = '', started = ''] = /^([^.]+)\.(\d+)\.(\d+)\.\d+$/.exec(label) ?? [];
  if (pid === '') return undefined;
  try {
    return { host: decodeURIComponent(host), pid: Number(pid), started: started === '0' ? '' : started };
  } catch {
    return undefined;
  }
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
