import { describe, expect, it, onTestFinished } from 'vitest';
import { createServer } from 'node:net';
import { startProgram, type StartedProcess } from '../support/processes.ts';

const start = (...args: readonly string[]): StartedProcess => startProgram('scripts/start.mjs', args);

describe('npm start', () => {
  it('prints the address and what to do next, and ends with Ctrl+C', async () => {
    const started = start('--port', '0');
    await started.untilOutput('Ctrl+C');
    const said = started.stdout().replace(/^Building the studio, which takes less than a minute …\n/, '');
    const [, address] = /(http:\S+)/.exec(said) ?? [];
    expect(said).toBe(`
Retriever Studio is running at ${address}

Open this address in Chrome. Only this computer can reach it.
Press Ctrl+C to stop.

`);
    expect((await fetch(address ?? '')).status).toBe(200);
    started.signal('SIGINT');
    expect(await started.ended).toEqual({ code: 0, signal: null });
    expect(started.stderr()).toBe('');
  });

  it('shows its options, also beside a wrong one', async () => {
    const helped = start('--help');
    expect(await helped.ended).toEqual({ code: 0, signal: null });
    expect(helped.stdout()).toMatch(/^Usage: npm start \[-- --port N\]\n/);
    const refused = start('--prot', '1');
    expect(await refused.ended).toEqual({ code: 1, signal: null });
    expect(refused.stderr()).toMatch(/^Unknown option '--prot'/);
    expect(refused.stderr()).toContain(helped.stdout());
  });

  it('says in one line what is wrong with a port', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const taken = server.address();
    const port = typeof taken === 'object' && taken !== null ? String(taken.port) : '';
    for (const [given, message] of [
      [port, 'That port is in use. Use another --port, or none for a free one.\n'],
      ['70000', '--port is "70000". Use a whole number from 0 to 65535.\n'],
    ] as const) {
      const started = start('--port', given);
      expect(await started.ended).toEqual({ code: 1, signal: null });
      expect(started.stderr()).toBe(message);
    }
  });
});
