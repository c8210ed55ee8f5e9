import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/check-node.cjs', import.meta.url));

/** Runs the check on a Node that says it has this version. */
function checkOn(version: string) {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: ${JSON.stringify(version)} });`;
  const code = `${pretend} require(${JSON.stringify(script)});`;
  const { status, stderr } = spawnSync(process.execPath, ['--eval', code], { encoding: 'utf8' });
  return { status, message: stderr.trim() };
}

it.each(['20.20.0', '20.21.3', '22.1.0', '100.0.0'])('accepts Node %s', (version) => {
  expect(checkOn(version)).toEqual({ status: 0, message: '' });
});

it.each(['20.19.9', '18.20.8', '8.17.0'])('refuses Node %s and says what to do', (version) => {
  expect(checkOn(version)).toEqual({
    status: 1,
    message:
      `Retriever Studio needs Node.js 20.20 or newer; this is ${version}. ` +
      'Install a current version from https://nodejs.org and try again.',
  });
});
