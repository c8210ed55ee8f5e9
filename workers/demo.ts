/** The browser's demo worker: searches the demo corpus before anything is trained (src/studio/demo-protocol.ts). */

import { serveDemo } from '../src/studio/worker/serve-demo.ts';

serveDemo();
