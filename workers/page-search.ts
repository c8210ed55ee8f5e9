/** A worker of the page's pool: searches a part of a vector index. (Node's is search.ts.) */

import { serveTasks } from '../src/host/browser/worker-tasks.ts';
import type { SearchRequest } from '../src/retrieval/search-protocol.ts';
import { runSearchTask } from '../src/retrieval/search-task.ts';

serveTasks((request) => runSearchTask(request as SearchRequest));
