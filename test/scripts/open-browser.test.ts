import { expect, it } from 'vitest';
import { openerFor } from '../../scripts/open-browser.mjs';

const address = 'http://127.0.0.1:1234/';
const onLinux = { platform: 'linux', environment: { DISPLAY: ':0' }, isTerminal: true };

it('opens the address where there is a screen', () => {
  expect(openerFor(address, onLinux)).toEqual({ command: 'xdg-open', args: [address] });
  expect(openerFor(address, { ...onLinux, environment: { WAYLAND_DISPLAY: 'w' } })?.command).toBe('xdg-open');
  expect(openerFor(address, { ...onLinux, platform: 'darwin', environment: {} })?.command).toBe('open');
  expect(openerFor(address, { ...onLinux, platform: 'win32', environment: {} })?.command).toBe(
    'explorer.exe',
  );
});

it.each([
  ['in CI', { ...onLinux, environment: { DISPLAY: ':0', CI: 'true' } }],
  ['without a screen', { ...onLinux, environment: {} }],
  ['without a terminal', { ...onLinux, isTerminal: false }],
  ['where the user wants none', { ...onLinux, environment: { DISPLAY: ':0', BROWSER: 'none' } }],
])('opens nothing %s', (_, machine) => {
  expect(openerFor(address, machine)).toBeUndefined();
});
