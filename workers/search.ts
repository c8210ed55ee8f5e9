/** A worker that searches a part of a vector index. */

import { serveTasks } from '../src/host/node/worker-tasks.ts';
import type { SearchRequest } from '../src/retrieval/search-protocol.ts';
import { runSearchTask } from '../src/retrieval/search-task.ts';

serveTasks((request) => runSearchTask(request as SearchRequest));
