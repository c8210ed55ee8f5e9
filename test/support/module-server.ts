import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';
import { isolationHeaders } from '../../scripts/vite-shared.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ModuleServer {
  /**
   * Of a page that does nothing but load a module of the project and keep what it exports as `tested`.
   * @param host A name that ends in `localhost`; each is a site of its own with its own storage.
   */
  pageOf(module: string, host?: string): string;
  close(): Promise<void>;
}

/** Serves the project's TypeScript as modules for a browser. @param cacheFolder For what the server prepares. */
export async function startModuleServer(cacheFolder: string): Promise<ModuleServer> {
  const server = await createViteServer({
    configFile: false,
    root,
    cacheDir: cacheFolder,
    appType: 'custom',
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0, headers: isolationHeaders, hmr: false, watch: null },
    // Found by itself later, it would reload the page.
    optimizeDeps: { include: ['idb'] },
    plugins: [
      {
        name: 'page-of-a-module',
        configureServer: ({ middlewares }) => {
          middlewares.use('/page', (request, response) => {
            const module = new URL(request.url ?? '/', 'http://x').searchParams.get('module') ?? '';
            response.setHeader('content-type', 'text/html');
            response.end(
              `<!doctype html><script type="module">import * as tested from ${JSON.stringify(module)};` +
                'globalThis.tested = tested;</script>',
            );
          });
        },
      },
    ],
  });
  await server.listen();
  const { port } = server.httpServer?.address() as AddressInfo;
  return {
    pageOf: (module, host = 'localhost') =>
      `http://${host}:${port}/page?module=${encodeURIComponent(module)}`,
    close: () => server.close(),
  };
}
