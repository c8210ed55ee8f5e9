// @ts-check
/** `npm start [-- --port N]`: installs what is missing, builds what is stale, and serves the page to this machine. */
import { parseArgs } from 'node:util';
import { buildIfStale, isFresh } from './build.mjs';
import { buildPageIfStale, pageFolder, pageIsFresh } from './build-page.mjs';
import { installPackages } from './install.mjs';
import { openBrowser } from './open-browser.mjs';
import { servePage, servePageAsUsual, usualPort } from './serve-page.mjs';

const usage = `Usage: npm start [-- --port N]

Installs what is missing, builds what is stale, and serves the studio to this computer.

  --port N  Port to serve at; 0 takes any free one (default: ${usualPort}, or a free one where that is taken)
  --help    Show this help`;

/** @returns {{ help: boolean, port: number | undefined }} port 0 for any free one; undefined where none is asked for */
function readOptions() {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.port === undefined) return { help: values.help, port: undefined };
  const port = Number(values.port);
  if (values.port.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`--port is "${values.port}". Use a whole number from 0 to 65535.`);
  }
  return { help: values.help, port };
}

/** @param {unknown} error */
function explain(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  if (code?.startsWith('ERR_PARSE_ARGS_')) return `${message}\n\n${usage}`;
  return code === 'EADDRINUSE' ? 'That port is in use. Use another --port, or none for a free one.' : message;
}

async function build() {
  if (isFresh() && pageIsFresh()) return;
  console.log('Building the studio, which takes less than a minute …');
  if (!(await buildIfStale()) || !buildPageIfStale()) {
    throw new Error('The build failed (see above). Fix the error and re-run npm start.');
  }
}

async function serve(/** @type {number | undefined} */ port) {
  installPackages();
  await build();
  const served = port === undefined ? await servePageAsUsual(pageFolder) : await servePage(pageFolder, port);
  const { address, close } = served;
  console.log(`
Retriever Studio is running at ${address}

Open this address in Chrome. Only this computer can reach it.
Press Ctrl+C to stop.
`);
  openBrowser(address);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      void close().then(() => process.exit(0));
    });
  }
}

try {
  const { help, port } = readOptions();
  if (help) console.log(usage);
  else await serve(port);
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
