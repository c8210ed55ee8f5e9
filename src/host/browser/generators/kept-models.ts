/** The language models that the browser keeps. Neither library is fetched to list them. */
import { forgetGguf, listGguf } from './gguf-files.ts';
import { askOnce } from './open-generator.ts';
import type { KeptModel } from './protocol.ts';
import { webllmCaches } from './webllm-files.ts';

export async function keptModels(): Promise<KeptModel[]> {
  // Where the browser lets a page keep no files, there are none.
  const none = (): KeptModel[] => [];
  return (await Promise.all([listGguf().catch(none), keptWebllm().catch(none)])).flat();
}

/** Deletes a model; the next run that wants it downloads it again. */
export async function forgetModel(id: string): Promise<void> {
  // The program of WebLLM's models lies elsewhere: only its own list says where.
  if (URL.canParse(id)) await askOnce('forgetWebllm', { folder: id });
  else await forgetGguf(id);
}

async function keptWebllm(): Promise<KeptModel[]> {
  const models = new Map<string, KeptModel>();
  for (const name of webllmCaches) {
    if (!(await caches.has(name))) continue;
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const [id, model] = /^.*\/([^/]+)\/resolve\/[^/]+\//.exec(request.url) ?? [];
      const response = id === undefined ? undefined : await cache.match(request);
      if (id === undefined || model === undefined || response === undefined) continue;
      const stated = Number(response.headers.get('content-length'));
      const size = stated > 0 ? stated : (await response.blob()).size;
      models.set(id, { id, name: model, bytes: (models.get(id)?.bytes ?? 0) + size });
    }
  }
  return [...models.values()].sort((a, b) => a.name.localeCompare(b.name));
}
