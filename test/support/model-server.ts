/** An OpenAI-compatible server on this machine that answers, errs, stalls and breaks off as a test tells it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request to write something, as it came. */
export interface ChatCall {
  readonly body: {
    readonly model: string;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly response_format?: { readonly json_schema: { readonly schema: unknown } };
    readonly seed: number;
    readonly [setting: string]: unknown;
  };
  readonly headers: IncomingMessage['headers'];
  /** How often the same body had come before. */
  readonly earlier: number;
}

/** What the server does with a request. */
export type Behavior =
  /** A reply that holds this text. */
  | { readonly text: string; readonly finish?: string; readonly afterMs?: number }
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** A page of something in between, with status 200. */
  | 'html'
  /** Headers and half a reply, then nothing for ever. */
  | 'stall'
  /** No answer at all. */
  | 'silence'
  /** Half a reply, then the connection ends. */
  | 'truncate'
  /** Half a reply that claims to be all. */
  | 'half'
  /** The connection ends without an answer. */
  | 'drop';

export interface ModelServer {
  /** Base address, with /v1. */
  readonly address: string;
  /** Everything that was asked of the model, in the order in which it came. */
  readonly calls: readonly ChatCall[];
  /** The most requests that were open at one time. */
  mostAtOnce(): number;
  /** What /v1/models answers from now on. */
  models: readonly string[] | Behavior;
  behave: (call: ChatCall) => Behavior;
  close(): Promise<void>;
}

/** Starts a server that is gone when the test ends. @param behave what comes of each request to write */
export async function startModelServer(behave: (call: ChatCall) => Behavior): Promise<ModelServer> {
  const calls: ChatCall[] = [];
  const seen = new Map<string, number>();
  let open = 0;
  let most = 0;
  const http = createServer((request, response) => {
    void answer(request, response);
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === '/v1/models') {
      const { models } = server;
      if (!Array.isArray(models)) {
        act(models as Behavior, response);
        return;
      }
      const data = (models as readonly string[]).map((id) => ({ id, object: 'model' }));
      sendJson(response, { object: 'list', data });
      return;
    }
    if (request.url !== '/v1/chat/completions') {
      act({ status: 404, body: 'no such page' }, response);
      return;
    }
    const text = await readBody(request);
    const earlier = seen.get(text) ?? 0;
    seen.set(text, earlier + 1);
    const call: ChatCall = {
      body: JSON.parse(text) as ChatCall['body'],
      headers: request.headers,
      earlier,
    };
    calls.push(call);
    most = Math.max(most, ++open);
    response.on('close', () => open--);
    act(server.behave(call), response);
  };
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: ModelServer = {
    address: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    calls,
    mostAtOnce: () => most,
    models: ['test-model', 'other-model'],
    behave,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
  onTestFinished(() => server.close());
  return server;
}

function act(behavior: Behavior, response: ServerResponse): void {
  const half = JSON.stringify(completion('half a reply', 'stop')).slice(0, 60);
  switch (behavior) {
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><h1>Sign in</h1>');
      return;
    case 'stall':
      response.writeHead(200, { 'content-type': 'application/json' }).write(half);
      return;
    case 'silence':
      return;
    case 'truncate':
      response.writeHead(200, { 'content-length': '4000' }).write(half, () => response.destroy());
      return;
    case 'half':
      response.writeHead(200, { 'content-type': 'application/json' }).end(half);
      return;
    case 'drop':
      response.destroy();
      return;
  }
  if ('status' in behavior) {
    response.writeHead(behavior.status, behavior.headers).end(behavior.body ?? '');
    return;
  }
  const reply = (): void => sendJson(response, completion(behavior.text, behavior.finish ?? 'stop'));
  if (behavior.afterMs === undefined) reply();
  else setTimeout(reply, behavior.afterMs).unref();
}

function completion(text: string, finish: string): object {
  return {
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finish }],
    usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
  };
}

function sendJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
