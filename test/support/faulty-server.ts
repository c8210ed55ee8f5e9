/** A server in front of another, for tests of connections that fail. */
import { createServer, request as httpRequest } from 'node:http';
import { serveUntilEnd } from './local-server.ts';

/** Files whose path matches are not sent at all, or their first half is, and then the connection ends. */
export interface Fault {
  readonly paths: RegExp;
  readonly kind: 'refuse' | 'cut';
}

export interface FaultyServer {
  readonly address: string;
  fault: Fault | undefined;
  /** How often the fault struck. */
  struck: number;
}

/** @param target address of the server behind it; ends with the test */
export async function faultyServer(target: string): Promise<FaultyServer> {
  const proxy = createServer((request, response) => {
    const { fault } = server;
    const isHit = fault?.paths.test(request.url ?? '') === true;
    if (isHit) server.struck++;
    if (isHit && fault.kind === 'refuse') {
      request.socket.destroy();
      return;
    }
    const upstream = httpRequest(
      new URL(request.url ?? '/', target),
      // So that what is cut is the file's own length.
      {
        method: request.method,
        headers: { ...request.headers, 'accept-encoding': 'identity', host: new URL(target).host },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        if (!isHit) {
          answer.pipe(response);
          return;
        }
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          const whole = Buffer.concat(parts);
          response.write(whole.subarray(0, whole.length / 2), () => response.destroy());
        });
      },
    );
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
  });
  const address = await serveUntilEnd(proxy);
  const server: FaultyServer = {
    address,
    fault: undefined,
    struck: 0,
  };
  return server;
}
