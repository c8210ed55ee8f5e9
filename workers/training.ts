/** The browser's training worker: trains, evaluates, searches and exports for the page (src/studio/protocol.ts). */

import { serveStudio } from '../src/studio/worker/serve.ts';

serveStudio();
