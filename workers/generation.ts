/** The browser's generation worker: a language model that writes for the page (src/host/browser/generators/). */

import { serveGeneration } from '../src/host/browser/generators/serve.ts';

serveGeneration();
