import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { servePage, servePageAsUsual } from '../../scripts/serve-page.mjs';

const folder = mkdtempSync(join(tmpdir(), 'retriever-studio-serve-'));
const page = join(folder, 'page');
let server: Awaited<ReturnType<typeof servePage>>;

beforeAll(async () => {
  mkdirSync(join(page, 'assets'), { recursive: true });
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(page, 'assets', 'code-1a2b.mjs'), 'export {};');
  writeFileSync(join(page, 'assets', 'code-1a2b.wasm'), 'wasm');
  writeFileSync(join(page, 'corpus.jsonl'), '{}');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  mkdirSync(join(folder, 'page-other'));
  writeFileSync(join(folder, 'page-other', 'secret.txt'), 'secret');
  server = await servePage(page);
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** As it is written: `fetch` would tidy the path and set the host. */
function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { hostname, port } = new URL(server.address);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.on('error', reject).end();
  });
}

describe('the server of the page', () => {
  it('is on 127.0.0.1 and serves the page, isolated and unable to run what it did not bring', async () => {
    expect(new URL(server.address).hostname).toBe('127.0.0.1');
    const { status, headers, body } = await ask('/?x=1');
    expect(status).toBe(200);
    expect(body).toContain('<title>page</title>');
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(headers['cross-origin-embedder-policy']).toBe('require-corp');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain("script-src 'self' 'wasm-unsafe-eval';");
  });

  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/assets/code-1a2b.mjs', 'text/javascript; charset=utf-8'],
    ['/assets/code-1a2b.wasm', 'application/wasm'],
    ['/corpus.jsonl', 'text/plain; charset=utf-8'],
  ])('names the type of %s', async (path, type) => {
    expect((await ask(path)).headers['content-type']).toBe(type);
  });

  it('lets the browser keep what has its hash in its name, and ask again for the rest', async () => {
    expect((await ask('/assets/code-1a2b.mjs')).headers['cache-control']).toContain('immutable');
    const { headers } = await ask('/');
    expect(headers['cache-control']).toBe('no-cache');
    const again = await ask('/', { headers: { 'If-None-Match': headers.etag ?? '' } });
    expect(again.status).toBe(304);
    expect(again.headers['cross-origin-embedder-policy']).toBe('require-corp');
  });

  it.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example:1', 'localhost.evil.example'])(
    'refuses the host %s',
    async (host) => {
      const { status, body } = await ask('/', { headers: { Host: host } });
      expect(status).toBe(421);
      expect(body).not.toContain('<title>');
    },
  );

  // A browser leaves port 80 out, and comes with another port through a forwarded one.
  it.each(['localhost', '127.0.0.1', 'localhost:8080'])('answers to this machine as %s', async (host) => {
    expect((await ask('/', { headers: { Host: host } })).status).toBe(200);
  });

  it('answers to localhost with its port', async () => {
    const { port } = new URL(server.address);
    expect((await ask('/', { headers: { Host: `localhost:${port}` } })).status).toBe(200);
  });

  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/../../secret.txt',
    '/..\\secret.txt',
    '/%2e%2e%2fpage-other%2fsecret.txt',
    '//etc/passwd',
    '/%00',
    '/%zz',
    '/assets',
    '/missing.js',
  ])('does not find %s', async (path) => {
    const { status, body } = await ask(path);
    expect(status).toBe(404);
    expect(body).not.toContain('secret');
  });

  it('only reads', async () => {
    const { status, headers } = await ask('/', { method: 'POST' });
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
    const head = await ask('/', { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.body).toBe('');
  });

  it('says that a port is taken', async () => {
    const { port } = new URL(server.address);
    await expect(servePage(page, Number(port))).rejects.toThrow('EADDRINUSE');
  });
});

it('is at the same address each time, and says so where that is taken', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const free = await servePage(page);
  const usual = Number(new URL(free.address).port);
  await free.close();
  const first = await servePageAsUsual(page, usual);
  expect(first.address).toBe(`http://127.0.0.1:${usual}/`);
  expect(log).not.toHaveBeenCalled();
  const second = await servePageAsUsual(page, usual);
  expect(second.address).not.toBe(first.address);
  expect(log).toHaveBeenCalledWith(expect.stringContaining(`Port ${usual} is in use`));
  log.mockRestore();
  await first.close();
  await second.close();
});
