/** Headless Chromium by its own protocol, over pipes: a driver in a hundred lines where no package is installed. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

interface Message {
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

export interface Page {
  /** The value of an expression in the page, promises awaited. @throws what the page threw */
  evaluate(expression: string): Promise<unknown>;
}

export interface Browser {
  open(address: string): Promise<Page>;
  close(): Promise<void>;
}

export function startBrowser(program: string, args: readonly string[]): Browser {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const fixed = ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--no-first-run'];
  const child = spawn(program, [...fixed, '--remote-debugging-pipe', `--user-data-dir=${profile}`, ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [, , errors, input, output] = child.stdio as unknown as [null, null, Readable, Writable, Readable];
  const waiting = new Map<number, { resolve: (message: Message) => void; reject: (error: Error) => void }>();
  let said = '';
  errors.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const exited = new Promise<void>((resolve) => {
    const end = (why: string): void => {
      for (const { reject } of waiting.values()) reject(new Error(`Chromium ended: ${why}`));
      waiting.clear();
      resolve();
    };
    child.on('error', ({ message }) => end(message));
    child.on('close', (code, signal) =>
      end(`${signal ?? `code ${code}`} ${said.trim().split('\n').at(-1) ?? ''}`),
    );
  });
  input.on('error', () => undefined);
  let rest = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    for (const each of messages) {
      const message = JSON.parse(each) as Message;
      if (message.id === undefined) continue;
      waiting.get(message.id)?.resolve(message);
      waiting.delete(message.id);
    }
  });
  let last = 0;
  const send = async (
    method: string,
    params: object,
    sessionId?: string,
  ): Promise<Readonly<Record<string, unknown>>> => {
    const id = ++last;
    const answer = new Promise<Message>((resolve, reject) => waiting.set(id, { resolve, reject }));
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  };
  return {
    async open(address) {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
      const attached = await send('Target.attachToTarget', { targetId, flatten: true });
      const sessionId = attached.sessionId as string;
      await send('Page.navigate', { url: address }, sessionId);
      return {
        async evaluate(expression) {
          const params = { expression, awaitPromise: true, returnByValue: true };
          const { result, exceptionDetails } = (await send('Runtime.evaluate', params, sessionId)) as {
            result: { value?: unknown };
            exceptionDetails?: { text: string; exception?: { description?: string } };
          };
          if (exceptionDetails !== undefined) {
            throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
          }
          return result.value;
        },
      };
    },
    async close() {
      child.kill('SIGKILL');
      await exited;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
