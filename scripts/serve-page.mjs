// @ts-check
/** Serves the built page to this machine alone. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream';
import { isolationHeaders } from './vite-shared.mjs';

/** @type {Readonly<Record<string, string>>} */
const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.jsonl': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.tsv': 'text/plain; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
};

/**
 * What the page may load: its own files, models from the hub that a user names, and what a server of language models
 * replies whose address a user gives. Texts of a corpus can run nothing, whatever stands in them.
 */
const contentPolicy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "connect-src 'self' https: http: blob: data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const commonHeaders = {
  ...isolationHeaders,
  'Content-Security-Policy': contentPolicy,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * Serves a folder on 127.0.0.1.
 * @param {string} folder
 * @param {number} [port] 0, the default, takes a free one
 * @returns {Promise<{ address: string, close: () => Promise<void> }>}
 */
export async function servePage(folder, port = 0) {
  const root = resolve(folder);
  const server = createServer((request, response) => {
    answer(root, request, response).catch(() => refuse(response, 500, 'the file could not be read'));
  });
  await new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => done(undefined));
  });
  const here = server.address();
  if (typeof here !== 'object' || here === null) throw new Error('the server has no address');
  return {
    address: `http://127.0.0.1:${here.port}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** A browser keeps experiments by address: at another port they are out of sight. So it is the same one each time. */
export const usualPort = 47821;

/**
 * Serves at the usual port, or at a free one where that is taken, and says so.
 * @param {string} folder
 * @param {number} [usual]
 */
export async function servePageAsUsual(folder, usual = usualPort) {
  try {
    return await servePage(folder, usual);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EADDRINUSE') throw error;
    console.log(
      `Port ${usual} is in use, perhaps by another Retriever Studio. This one uses another port, where experiments ` +
        `saved at http://127.0.0.1:${usual}/ are not visible.`,
    );
    return servePage(folder, 0);
  }
}

/**
 * @param {string} root
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function answer(root, request, response) {
  // A foreign site whose name was made to point at this machine comes with its own name. The port says nothing about
  // that: a browser leaves port 80 out, and a forwarded port differs from ours.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/i.test(request.headers.host ?? '')) {
    refuse(response, 421, 'this server answers to 127.0.0.1 and localhost only');
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    refuse(response, 405, 'there is only something to read here');
    return;
  }
  const path = filePath(root, request.url ?? '/');
  const found = path === undefined ? undefined : await stat(path).catch(() => undefined);
  if (path === undefined || !found?.isFile()) {
    refuse(response, 404, 'there is no such file');
    return;
  }
  const tag = `"${found.size.toString(36)}-${Math.trunc(found.mtimeMs).toString(36)}"`;
  const isHashed = path.startsWith(join(root, 'assets') + sep);
  const headers = {
    ...commonHeaders,
    'Cache-Control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: tag,
  };
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    'Content-Type': types[extname(path)] ?? 'application/octet-stream',
    'Content-Length': found.size,
  });
  if (request.method === 'HEAD') response.end();
  else pipeline(createReadStream(path), response, () => undefined);
}

/**
 * The file that an address means, inside of the folder; undefined for one that leads out of it.
 * @param {string} root
 * @param {string} url
 */
function filePath(root, url) {
  let path;
  try {
    path = decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '');
  } catch {
    return undefined;
  }
  if (!path.startsWith('/') || path.includes('\0') || path.includes('\\')) return undefined;
  const file = resolve(root, `.${path.endsWith('/') ? `${path}index.html` : path}`);
  return file.startsWith(root + sep) ? file : undefined;
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {string} why
 */
function refuse(response, status, why) {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response
    .writeHead(status, { ...commonHeaders, 'Content-Type': 'text/plain; charset=utf-8' })
    .end(`${why}\n`);
}
