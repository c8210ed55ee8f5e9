// @ts-check
/**
 * `npm run demo [-- --act nano] [-- --seeds 5]`: installs what is missing, builds, and trains an encoder that comes with
 * the studio with several losses on the demo corpus: the static one (recipe static-losses), or nano, a transformer.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const studio = join(root, 'bin', 'retriever-studio.js');
/** The recipe of each act. @type {Readonly<Record<string, string | undefined>>} */
const recipes = { static: 'static-losses', nano: 'nano-losses' };

/** @returns {{ recipe: string, rest: readonly string[] } | undefined} nothing where the act is unknown */
function chosen() {
  const args = process.argv
    .slice(2)
    .flatMap((arg) => (arg.startsWith('--act=') ? ['--act', arg.slice(6)] : [arg]));
  const at = args.indexOf('--act');
  const [, act = ''] = at < 0 ? ['--act', 'static'] : args.splice(at, 2);
  const recipe = Object.hasOwn(recipes, act) ? recipes[act] : undefined;
  return recipe === undefined ? undefined : { recipe, rest: args };
}

/** @returns {number} the exit code */
function main() {
  const act = chosen();
  if (act === undefined) {
    console.error(`--act: there is no such act. Use ${Object.keys(recipes).join(' or ')}.`);
    return 2;
  }
  try {
    installPackages();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
  // The command builds itself where its sources are newer than what is built.
  const run = [studio, 'run', act.recipe, '--device', 'cpu', '--out', 'demo-results', ...act.rest];
  const { status } = spawnSync(process.execPath, run, { stdio: 'inherit' });
  return status ?? 1;
}

process.exitCode = main();
