// @ts-check
/** `npm start [-- --port N]`: installs what is missing, builds what is stale, and serves the page to this machine. */
import { parseArgs } from 'node:util';
import { buildIfStale, isFresh } from './build.mjs';
import { buildPageIfStale, pageFolder, pageIsFresh } from './build-page.mjs';
import { installPackages } from './install.mjs';
import { openBrowser } from './open-browser.mjs';
import { servePage, servePageAsUsual } from './serve-page.mjs';

/** @returns {number | undefined} 0 for any free port; undefined where none is asked for */
function readPort() {
  const { values } = parseArgs({ options: { port: { type: 'string' } } });
  if (values.port === undefined) return undefined;
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`--port is "${values.port}". Use a whole number from 0 to 65535.`);
  }
  return port;
}

/** @param {unknown} error */
function explain(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  return code === 'EADDRINUSE' ? 'That port is in use. Use another --port, or none for a free one.' : message;
}

async function build() {
  if (isFresh() && pageIsFresh()) return;
  console.log('Building the studio, which takes less than a minute …');
  if (!(await buildIfStale()) || !buildPageIfStale()) {
    throw new Error('The build failed (see above). Fix the error and re-run npm start.');
  }
}

try {
  const port = readPort();
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
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
