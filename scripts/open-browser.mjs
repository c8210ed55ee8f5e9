// @ts-check
/** Opens an address in the user's browser, where there is a screen to show it on. */
import { spawn } from 'node:child_process';

/** @typedef {{ command: string, args: readonly string[] }} Opener */

/**
 * What opens an address on this machine; undefined where nothing should: in CI, without a terminal, without a screen.
 * @param {string} address
 * @param {{ platform: string, environment: Readonly<Record<string, string | undefined>>, isTerminal: boolean }} machine
 * @returns {Opener | undefined}
 */
export function openerFor(address, { platform, environment, isTerminal }) {
  if (environment.CI || environment.BROWSER === 'none' || !isTerminal) return undefined;
  if (platform === 'darwin') return { command: 'open', args: [address] };
  if (platform === 'win32') return { command: 'explorer.exe', args: [address] };
  if (environment.DISPLAY || environment.WAYLAND_DISPLAY) return { command: 'xdg-open', args: [address] };
  return undefined;
}

/** @param {string} address */
export function openBrowser(address) {
  const opener = openerFor(address, {
    platform: process.platform,
    environment: process.env,
    isTerminal: process.stdout.isTTY,
  });
  if (opener === undefined) return;
  // The address is printed: if nothing opens, nothing is lost.
  spawn(opener.command, opener.args, { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();
}
