#!/usr/bin/env node
import { existsSync } from 'node:fs';

// In a checkout the sources are newer than the build more often than not; an installed package has no sources.
const build = new URL('../scripts/build.mjs', import.meta.url);
if (existsSync(build)) {
  const { buildIfStale } = await import(build.href);
  if (!(await buildIfStale())) process.exit(1);
}
const { main } = await import('../dist/src/cli/main.js');
await main(process.argv.slice(2));
