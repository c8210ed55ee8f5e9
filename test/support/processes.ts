/** Child processes that a test starts, watches and kills. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { RandomStream } from '../../src/core/random.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartedProcess {
  /** What it has written so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when it has ended and all its output has come. */
  readonly ended: Promise<ProcessEnd>;
  /** Resolves when standard output or error holds the text. @throws if the process ends without it. */
  readonly untilOutput: (text: string | RegExp) => Promise<void>;
  /** Sends a signal to the process alone. */
  readonly signal: (signal: NodeJS.Signals) => void;
  /** SIGKILL for it and its children; resolves when it is gone. */
  readonly kill: () => Promise<ProcessEnd>;
}

export interface StartSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts a program file under this Node; it is killed when the test ends, if not before. */
export function startProgram(
  program: string,
  args: readonly string[],
  settings: StartSettings = {},
): StartedProcess {
  // A group of its own, so that a kill reaches its children too.
  const child = spawn(process.execPath, [program, ...args], {
    cwd: settings.cwd ?? root,
    env: { ...process.env, ...settings.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    notify();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    notify();
  });
  let hasEnded = false;
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      hasEnded = true;
      resolve({ code, signal });
      notify();
    });
  });
  const kill = () => {
    // Once it has ended, its number may be another's.
    if (!hasEnded && child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      process.kill(-child.pid, 'SIGKILL');
    }
    return ended;
  };
  onTestFinished(async () => {
    await kill();
  });
  const untilOutput = (text: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        const output = stdout + stderr;
        const isThere = typeof text === 'string' ? output.includes(text) : text.test(output);
        if (!isThere && !hasEnded) return;
        listeners.delete(look);
        if (isThere) resolve();
        else reject(new Error(`the process ended without ${String(text)}: ${output}`));
      };
      listeners.add(look);
      look();
    });
  const signal = (name: NodeJS.Signals) => void child.kill(name);
  return { stdout: () => stdout, stderr: () => stderr, ended, untilOutput, signal, kill };
}

/** Starts the built command line (which builds what is stale first). */
export function startCli(args: readonly string[], settings: StartSettings = {}): StartedProcess {
  return startProgram(`${root}bin/retriever-studio.js`, args, {
    ...settings,
    env: { DEBUG: '', ...settings.env },
  });
}

/**
 * Kills a process at a random moment within so many milliseconds from now.
 * @returns whether it was still running.
 */
export async function killAtRandomMoment(
  started: StartedProcess,
  withinMilliseconds: number,
  random: RandomStream,
): Promise<boolean> {
  await Promise.race([started.ended, sleep(random.uniform() * withinMilliseconds)]);
  return (await started.kill()).signal === 'SIGKILL';
}
