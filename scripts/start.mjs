// @ts-check
/** `npm start [-- --port N]`: installs what is missing, builds what is stale, and serves the page to this machine. */
import { parseArgs } from 'node:util';
import { buildIfStale } from './build.mjs';
import { buildPageIfStale, pageFolder } from './build-page.mjs';
import { installPackages } from './install.mjs';
import { openBrowser } from './open-browser.mjs';
import { servePage, servePageAsUsual } from './serve-page.mjs';

/** @returns {number | undefined} 0 for any free port; undefined where none is asked for */
function readPort() {
  const { values } = parseArgs({ options: { port: { type: 'string' } } });
  if (values.port === undefined) return undefined;
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`--port is ${values.port}, but must be a number from 0 to 65535.`);
  }
  return port;
}

/** @param {unknown} error */
function explain(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  return code === 'EADDRINUSE' ? 'That port is taken. Leave --port out for a free one.' : message;
}

try {
  const port = readPort();
  installPackages();
  console.log('Building what has changed …');
  if (!(await buildIfStale()) || !buildPageIfStale()) throw new Error('The build failed (see above).');
  const served = port === undefined ? await servePageAsUsual(pageFolder) : await servePage(pageFolder, port);
  const { address, close } = served;
  console.log(`
Retriever Studio is at ${address}
It answers to this machine only, for as long as this command runs: Ctrl+C ends it.

The same from the command line: npm run studio -- --help
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
